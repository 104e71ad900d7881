import { canonical, parseImageName } from './name.js';

const digest = `sha256:${'a'.repeat(64)}`;

test.each([
  ['python', 'docker.io', 'library/python', { tag: 'latest' }],
  ['python:3-slim', 'docker.io', 'library/python', { tag: '3-slim' }],
  ['team/app:1', 'docker.io', 'team/app', { tag: '1' }],
  ['index.docker.io/library/python', 'docker.io', 'library/python', { tag: 'latest' }],
  ['docker.io/python', 'docker.io', 'library/python', { tag: 'latest' }],
  ['localhost/app', 'localhost', 'app', { tag: 'latest' }],
  ['localhost:5000/team/app:2', 'localhost:5000', 'team/app', { tag: '2' }],
  ['registry.example/app', 'registry.example', 'app', { tag: 'latest' }],
  [`registry.example:5000/a/b/c:1@${digest}`, 'registry.example:5000', 'a/b/c', { digest }],
  [`python@${digest}`, 'docker.io', 'library/python', { digest }],
])('%s comes from %s', (reference, registry, repository, version) => {
  expect(parseImageName(reference)).toEqual({ registry, repository, version });
});

test.each([digest, 'sha256:abcd', 'a'.repeat(64)])('%s is an id, which no registry knows', (id) => {
  expect(parseImageName(id)).toBeNull();
  expect(canonical(id)).toBe(id);
});
