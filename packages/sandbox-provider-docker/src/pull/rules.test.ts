import { pullObstacle, pullOptions, pullRules } from './rules.js';

const rules = (from?: string[], policy?: 'never'): ReturnType<typeof pullRules> =>
  pullRules({ ...(from && { from }), ...(policy && { policy }) }, ['python:3-slim', 'registry.example/ours:1']);

test.each([
  ['anybody/image', undefined, true],
  ['docker.io/library/debian', undefined, true],
  ['ghcr.example/team/app', undefined, false],
  ['169.254.169.254/latest/meta-data', undefined, false],
  ['localhost:2375/x', undefined, false],
  ['docker.io.evil.example/x', undefined, false],
  ['registry.example/ours:1', undefined, true], // of the configuration
  ['registry.example/ours:2', undefined, false],
  ['python:3-slim', [], true],
  ['docker.io/library/python:3-slim', [], true],
  ['python:3', [], false],
  ['ghcr.example/team/app', ['ghcr.example/team'], true],
  ['ghcr.example/team-two/app', ['ghcr.example/team'], false],
  ['ghcr.example:5000/team/app', ['ghcr.example'], false],
  ['ghcr.example/app', ['ghcr.example/app'], true],
])('%s with the sources %j is pulled: %s', (reference, from, isPulled) => {
  expect(pullObstacle(reference, rules(from)) === null).toBe(isPulled);
});

test('with the policy "never" nothing is pulled, and an id never is', () => {
  expect(pullObstacle('python:3-slim', rules(undefined, 'never'))).toBe('');
  expect(pullObstacle(`sha256:${'a'.repeat(64)}`, rules())).toBe('');
});

test.each(['library', 'https://registry.example', 'registry.example/', '*', 'Registry.example', ''])(
  'a source that could never match is refused: %j',
  (source) => {
    expect(pullOptions.safeParse({ from: [source] }).error?.issues[0]?.message).toMatch(/must be a registry/);
  },
);

test.each(['docker.io', 'localhost', 'localhost:5000', 'registry.example:5000/team/app', '127.0.0.1:5000'])(
  'a source may be %j',
  (source) => {
    expect(pullOptions.safeParse({ from: [source] }).success).toBe(true);
  },
);
