import type { Surroundings } from '../connect/resolve.js';
import { findCredentials } from './credentials.js';

const { signal } = new AbortController();
const surroundings = (config: object | null): Surroundings => ({
  environment: {},
  home: '/home/me',
  read: (path) => (path === '/home/me/.docker/config.json' && config !== null ? JSON.stringify(config) : undefined),
  hasSocket: () => false,
});
async function sent(config: object | null, registry = 'registry.example'): Promise<unknown> {
  const { credentials, problem } = await findCredentials(registry, surroundings(config), signal);
  expect(problem).toBeNull();
  return credentials === null ? null : JSON.parse(Buffer.from(credentials.header(), 'base64url').toString());
}
const auth = (text: string): string => Buffer.from(text).toString('base64');

test.each([
  null,
  {},
  { auths: {} },
  { auths: { 'registry.example': {} } },
  { auths: { 'else.example': { auth: auth('a:b') } } },
])('without an entry nothing is sent: %j', async (config) => {
  expect(await sent(config)).toBeNull();
});

test.each([
  [{ auth: auth('me:pass:word') }, { username: 'me', password: 'pass:word' }],
  [{ auth: auth('me:pass\0\0') }, { username: 'me', password: 'pass' }],
  [
    { username: 'me', password: 'word' },
    { username: 'me', password: 'word' },
  ],
  [
    { auth: auth('me:'), identitytoken: 'token' },
    { username: 'me', identitytoken: 'token' },
  ],
  [{ registrytoken: 'token' }, { registrytoken: 'token' }],
])('%j is sent as Docker sends it', async (entry, login) => {
  expect(await sent({ auths: { 'registry.example': entry } })).toEqual({ ...login, serveraddress: 'registry.example' });
});

test.each(['https://index.docker.io/v1/', 'docker.io', 'index.docker.io', 'https://registry-1.docker.io/v2/'])(
  "Docker's own registry is known as %s",
  async (key) => {
    expect(await sent({ auths: { [key]: { auth: auth('me:word') } } }, 'docker.io')).toEqual({
      username: 'me',
      password: 'word',
      serveraddress: 'https://index.docker.io/v1/',
    });
  },
);

test('a registry at another port is another registry', async () => {
  expect(await sent({ auths: { 'registry.example:5000': { auth: auth('me:word') } } })).toBeNull();
});
