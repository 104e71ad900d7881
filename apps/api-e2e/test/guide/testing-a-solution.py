# Python example
import requests

# Test a solution
response = requests.post('http://localhost:8102/api/ergon/sandbox/test', json={
    'solution_id': 'abc123',
    'timeout': 60
})

sandbox_id = response.json()['sandbox_id']

# Get results
results = requests.get(f'http://localhost:8102/api/ergon/sandbox/results/{sandbox_id}')
print(results.json())
