import { inspect } from 'node:util';
import type { Logger, Report } from '@ergon/sandbox-core';
import type { DockerOptions } from '../src/index.js';
import { DockerConfig, login } from './support/docker-config.js';
import { docker } from './support/engine.js';
import { LOGIN, Registry } from './support/registry.js';
import { TestServer } from './support/server.js';

jest.setTimeout(180_000);

let registry: Registry;
let image: string;
beforeAll(async () => {
  registry = await Registry.launch({}, { auth: true });
  await registry.offer('team/private', { bytes: 1000 });
  image = `${registry.host}/team/private:1`;
});
afterAll(() => registry[Symbol.asyncDispose]());

const WRONG = { ...LOGIN, password: 'a-wrong-password' };
const secrets = [LOGIN, WRONG].flatMap(({ username, password }) => [
  password,
  encodeURIComponent(password),
  Buffer.from(`${username}:${password}`).toString('base64'),
]);

/** One sandbox with the image: the size of its layer, or the error; and all that was logged and reported. */
async function pulled(
  from: string,
  reference = image,
): Promise<{ outcome: unknown; words: string; server: TestServer } & AsyncDisposable> {
  const words: unknown[] = [];
  const log = (...all: unknown[]): void => void words.push(all);
  const logger: Logger = { error: log, warn: log, info: log, debug: log };
  const pull: DockerOptions['pull'] = { from: [from] };
  const server = new TestServer({ pull }, { logger });
  const report = (each: Report): void => void words.push(each);
  const outcome = await server
    .run(['sh', '-c', 'stat -c %s /layer'], {}, {}, { image: reference, report })
    .then(({ stdout }) => stdout.trim())
    .catch((error: unknown) => error);
  words.push(outcome, server.provider);
  return {
    outcome,
    words: inspect(words, { depth: null, showHidden: true }),
    server,
    [Symbol.asyncDispose]: async () => {
      await server[Symbol.asyncDispose]();
      await docker
        .getImage(reference)
        .remove({ force: true })
        .catch(() => undefined); // it may never have come
    },
  };
}

const shown = (words: string): string[] => secrets.filter((secret) => words.includes(secret));

test('what `docker login` keeps in `auths` opens a registry, and is told to nobody else', async () => {
  using config = new DockerConfig();
  for (const entry of [login(LOGIN), LOGIN]) {
    for (const key of [registry.host, `http://${registry.host}/v2/`]) {
      config.write(JSON.stringify({ auths: { 'other.example': login(WRONG), [key]: entry } }));
      await using pull = await pulled(registry.host);
      expect(pull.outcome).toBe('1000');
      expect(shown(pull.words)).toEqual([]);
    }
  }
});

test('a wrong password, and none, are told apart, with what to do, and without the password', async () => {
  using config = new DockerConfig({ auths: { [registry.host]: login(WRONG) } });
  const refused = (sentence: string): object => ({
    code: 'SANDBOX009',
    field: 'image',
    message: expect.stringContaining(
      `The image "${image}" could not be pulled. The registry "${registry.host}" ${sentence}`,
    ) as string,
  });
  {
    await using wrong = await pulled(registry.host);
    expect(wrong.outcome).toMatchObject(
      refused(
        `has no such image, or refused this server's credentials: "docker login ${registry.host}", as the user of the server, keeps others.`,
      ),
    );
    expect(shown(wrong.words)).toEqual([]);
    expect(await wrong.server.leftovers()).toEqual([]);
  }
  config.write('{}');
  await using none = await pulled(registry.host);
  expect(none.outcome).toMatchObject(
    refused(
      `has no such image, or gives it to nobody without credentials: "docker login ${registry.host}", as the user of the server, keeps some.`,
    ),
  );
});

test('a credential helper is asked as Docker asks it: of the registry, else the one for all', async () => {
  using config = new DockerConfig();
  const answer = JSON.stringify({ ServerURL: registry.host, Username: LOGIN.username, Secret: LOGIN.password });
  config.helper('ergon-right', `[ "$1 $server" = "get ${registry.host}" ] && echo '${answer}'`);
  config.helper('ergon-none', 'echo "credentials not found in native keychain"; exit 1');
  for (const how of [
    { credsStore: 'ergon-right' },
    { credsStore: 'ergon-none', credHelpers: { [registry.host]: 'ergon-right' }, auths: { [registry.host]: {} } },
  ]) {
    config.write(JSON.stringify(how));
    await using pull = await pulled(registry.host);
    expect(pull.outcome).toBe('1000');
    expect(shown(pull.words)).toEqual([]);
  }
  config.write(JSON.stringify({ credsStore: 'ergon-none' }));
  await using none = await pulled(registry.host);
  expect(none.outcome).toMatchObject({
    message: expect.stringContaining('gives it to nobody without credentials') as string,
  });
});

test.each([
  ['is missing', '', `"docker-credential-ergon-bad", which Docker's configuration names, is not installed.`],
  ['fails', `echo ${LOGIN.password} | tee /dev/stderr; exit 3`, 'failed with exit code 3.'],
  ['babbles', `echo '"${LOGIN.password}"'`, 'gave no answer that Docker would understand.'],
])(
  'of a helper that %s the sentence of the refusal tells, and nothing of what it said',
  async (_, script, sentence) => {
    using config = new DockerConfig({ credHelpers: { [registry.host]: 'ergon-bad' } });
    if (script !== '') config.helper('ergon-bad', script);
    await using pull = await pulled(registry.host);
    expect(pull.outcome).toMatchObject({ code: 'SANDBOX009', message: expect.stringContaining(sentence) as string });
    expect(shown(pull.words)).toEqual([]);
  },
);

test('a configuration that is no JSON is told without its path and its words', async () => {
  using config = new DockerConfig();
  config.write(`{ "auths": { "x": { "auth": "${login(LOGIN).auth}" } }, `);
  await using pull = await pulled(registry.host);
  expect(pull.outcome).toMatchObject({
    message: expect.stringContaining(
      "Docker's own configuration, which may hold credentials, could not be read by this server.",
    ) as string,
  });
  expect(shown(pull.words)).toEqual([]);
  expect(pull.words).not.toContain(process.env.DOCKER_CONFIG);
});

test('a registry that repeats the credentials that it was sent finds them masked', async () => {
  await using echo = await registry.again({ echo: true }, { auth: true });
  using config = new DockerConfig();
  config.write(JSON.stringify({ auths: { [echo.host]: login(LOGIN) } }));
  await using pull = await pulled(echo.host, `${echo.host}/team/private:1`);
  expect(pull.outcome).toMatchObject({ code: 'SANDBOX009', message: expect.stringMatching(/you sent .*…/) as string });
  expect(shown(pull.words)).toEqual([]);
});
