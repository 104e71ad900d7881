"""The smallest solution: one file with the default name, no settings."""

greeting = "Hello from inside the sandbox!"
line = "─" * (len(greeting) + 2)

print(f"┌{line}┐")
print(f"│ {greeting} │")
print(f"└{line}┘")
