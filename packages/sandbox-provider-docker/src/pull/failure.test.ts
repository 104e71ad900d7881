import { Credentials } from './credentials.js';
import { pullFailure } from './failure.js';

const pull = {
  reference: 'registry.example/app:1',
  registry: 'registry.example',
  platform: 'linux/amd64',
  found: { credentials: null, problem: null },
};

// The words of engines from 20.10 to 28, with either image store.
test.each([
  [
    'manifest for registry.example/app:1 not found: manifest unknown: manifest unknown',
    'SANDBOX009',
    'has no such image: is',
  ],
  [
    'failed to resolve reference "registry.example/app:1": registry.example/app:1: not found',
    'SANDBOX009',
    'has no such image: is',
  ],
  [
    "pull access denied for app, repository does not exist or may require 'docker login'",
    'SANDBOX009',
    'or gives it to nobody',
  ],
  [
    'Head "https://registry.example/v2/app/manifests/1": no basic auth credentials',
    'SANDBOX009',
    'or gives it to nobody',
  ],
  [
    'no matching manifest for linux/amd64 in the manifest list entries',
    'SANDBOX009',
    'It is not there for linux/amd64.',
  ],
  ['filesystem layer verification failed for digest sha256:1', 'SANDBOX009', 'is not what its digest names'],
  [
    'failed commit on ref "layer-sha256:1": unexpected commit digest sha256:2, expected sha256:1',
    'SANDBOX009',
    'is not what its digest names',
  ],
  ['toomanyrequests: You have reached your pull rate limit.', 'SANDBOX001', 'gives no more for now'],
  [
    'write /var/lib/docker/tmp/GetImageBlob1: no space left on device',
    'SANDBOX004',
    'disk of the Docker engine is full',
  ],
  [
    'Get "https://registry.example/v2/": dial tcp: lookup registry.example: no such host',
    'SANDBOX001',
    'could not be reached',
  ],
  [
    'Get "https://registry.example/v2/": x509: certificate signed by unknown authority',
    'SANDBOX001',
    'could not be reached',
  ],
  ['unexpected EOF', 'SANDBOX001', 'could not be reached, or broke off'],
])('%s', (words, code, sentence) => {
  const error = pullFailure(words, pull);
  expect(error).toMatchObject({ code, field: code === 'SANDBOX009' ? 'image' : undefined });
  expect(error.message).toContain('The image "registry.example/app:1" could not be pulled. ');
  expect(error.message).toContain(sentence);
  expect(error.message).not.toContain('/var/lib/docker');
});

test('no form of a secret is in the sentence, nor in what is inspected or turned into JSON', () => {
  const login = { username: 'me', password: 'a"b/c+d' };
  const credentials = new Credentials(login, 'registry.example');
  const basic = Buffer.from('me:a"b/c+d').toString('base64');
  const echoed = `denied: a"b/c+d ${JSON.stringify('a"b/c+d')} ${encodeURIComponent('a"b/c+d')} ${basic} ${credentials.header()}`;
  const { message } = pullFailure(echoed, { ...pull, found: { credentials, problem: null } });
  expect(message).toMatch(/denied: … "…" … … …\.?$/);
  expect(JSON.stringify({ credentials })).toBe('{"credentials":{}}');
  expect(JSON.parse(Buffer.from(credentials.header(), 'base64url').toString())).toEqual({
    ...login,
    serveraddress: 'registry.example',
  });
});
