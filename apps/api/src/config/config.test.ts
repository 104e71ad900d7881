import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { readConfig, unknownVariables, variableNames } from './config.js';

test('without variables the defaults hold', () => {
  const config = readConfig({ ERGON_SANDBOX_HOST: '' });
  expect(config).toMatchObject({
    host: '127.0.0.1',
    port: 8102,
    maxConcurrent: 10,
    requestTimeoutMs: 120_000,
    prefer: [],
    ceiling: {},
    providerOptions: {},
    images: {},
    registry: null,
    logLevel: 'info',
    examplesDir: null,
  });
  expect([...config.origins, ...config.hosts]).toEqual([]);
  expect(config.dataDir).toMatch(/^\/.*ergon-sandbox$/);
});

test('every variable is read', () => {
  const config = readConfig(
    {
      ERGON_SANDBOX_HOST: '::1',
      ERGON_SANDBOX_TOKEN: 'a-token-of-this-test',
      ERGON_SANDBOX_PORT: '0',
      ERGON_SANDBOX_DATA_DIR: 'data',
      ERGON_SANDBOX_MAX_CONCURRENT: '3',
      ERGON_SANDBOX_REQUEST_TIMEOUT: '30',
      ERGON_SANDBOX_PREFER: 'docker, sandbox-exec',
      ERGON_SANDBOX_ORIGINS: 'https://example.org,http://localhost:3000',
      ERGON_SANDBOX_HOSTS: 'Build.example.org',
      ERGON_SANDBOX_CEILING: 'memory=8g,timeout=3600,network=none,cpu=1.5,pids=64,disk=512m,output=1m',
      ERGON_SANDBOX_PROVIDER_OPTIONS: '{"docker":{"host":"unix:///run/x"}}',
      ERGON_SANDBOX_IMAGES: 'python=python:3.13-slim, default=registry.example.org:5000/base:1',
      ERGON_SANDBOX_EXAMPLES: 'one',
      ERGON_SANDBOX_REGISTRY_URL: 'https://registry.example.org/',
      ERGON_SANDBOX_REGISTRY_TOKEN: 'word',
    },
    ['--examples', 'two'],
  );
  expect(config).toEqual({
    host: '::1',
    token: 'a-token-of-this-test',
    port: 0,
    dataDir: resolve('data'),
    maxConcurrent: 3,
    requestTimeoutMs: 30_000,
    prefer: ['docker', 'sandbox-exec'],
    origins: new Set(['https://example.org', 'http://localhost:3000']),
    hosts: new Set(['build.example.org']),
    ceiling: {
      memoryBytes: 8 * 1024 ** 3,
      cpus: 1.5,
      pids: 64,
      diskBytes: 512 * 1024 ** 2,
      outputBytes: 1024 ** 2,
      timeoutMs: 3_600_000,
      network: 'none',
    },
    providerOptions: { docker: { host: 'unix:///run/x' } },
    images: { python: 'python:3.13-slim', default: 'registry.example.org:5000/base:1' },
    registry: { url: 'https://registry.example.org/api/ergon/registry', token: 'word' },
    logLevel: 'info',
    examplesDir: resolve('two'),
  });
});

test.each([
  ['DEBUG', 'debug'],
  ['Warning', 'warn'],
  ['CRITICAL', 'error'],
  ['error', 'error'],
])('the log level %s is %s', (given, level) => {
  expect(readConfig({ ERGON_LOG_LEVEL: given }).logLevel).toBe(level);
});

test.each([
  ['ERGON_SANDBOX_HOST', '0.0.0.0', 'ERGON_SANDBOX_TOKEN is needed'],
  ['ERGON_SANDBOX_HOST', '127.evil.example', 'ERGON_SANDBOX_TOKEN is needed'],
  ['ERGON_SANDBOX_PORT', '65536', 'must be a whole number from 0 to 65535'],
  ['ERGON_SANDBOX_PORT', '8e3', 'must be a whole number'],
  ['ERGON_SANDBOX_MAX_CONCURRENT', '0', 'must be a whole number from 1'],
  ['ERGON_SANDBOX_REQUEST_TIMEOUT', '0', 'must be a whole number from 1'],
  ['ERGON_SANDBOX_ORIGINS', 'https://example.org/path', 'must be web origins'],
  ['ERGON_SANDBOX_ORIGINS', 'null', 'must be web origins'],
  ['ERGON_SANDBOX_HOSTS', 'example.org:80', 'must be host names without ports'],
  ['ERGON_SANDBOX_PREFER', 'a b', 'must be names of providers'],
  ['ERGON_SANDBOX_CEILING', 'memory=lots', 'memory: must be a size'],
  ['ERGON_SANDBOX_CEILING', 'network=lan', 'network: must be none or full'],
  ['ERGON_SANDBOX_CEILING', 'speed=1', 'speed: is not a known field'],
  ['ERGON_SANDBOX_CEILING', 'memory=1g,memory=2g', 'memory: must be a size'],
  ['ERGON_SANDBOX_CEILING', 'timeout=', 'timeout: must be'],
  ['ERGON_SANDBOX_CEILING', 'memory=4m', 'memory: must be at least 8 MiB, the smallest that can be kept'],
  ['ERGON_SANDBOX_CEILING', 'memory=8m,disk=100k', 'disk: must be at least 1 MiB, the smallest that can be kept'],
  ['ERGON_SANDBOX_CEILING', 'cpu=0.001', 'cpu: must be at least 0.01 CPUs, the smallest that can be kept'],
  ['ERGON_SANDBOX_PROVIDER_OPTIONS', '{', 'must be JSON'],
  ['ERGON_SANDBOX_PROVIDER_OPTIONS', '[]', 'must be a JSON object by provider name'],
  ['ERGON_LOG_LEVEL', 'loud', 'must be error, critical, warn'],
  ['ERGON_SANDBOX_TOKEN', 'x', 'must have 16 to 1000 characters'],
  ['ERGON_SANDBOX_TOKEN_FILE', '/nowhere/token', 'cannot be read'],
  ['ERGON_SANDBOX_PROVIDERS', 'x', 'does not support extra provider packages yet'],
  ['ERGON_SANDBOX_REGISTRY_URL', 'registry', 'must be an http or https address'],
  ['ERGON_SANDBOX_REGISTRY_URL', 'http://localhost:8102/', 'must be another server than this one'],
  ['ERGON_SANDBOX_REGISTRY_URL', 'http://[::1]:8102/api/ergon/registry', 'must be another server than this one'],
  ['ERGON_SANDBOX_REGISTRY_TOKEN', 'two words', 'must be 1 to 4096 visible ASCII characters'],
  ['ERGON_SANDBOX_REGISTRY_TOKEN', 'word', 'is for ERGON_SANDBOX_REGISTRY_URL'],
  ['ERGON_SANDBOX_IMAGES', 'python', 'must be python=IMAGE'],
  ['ERGON_SANDBOX_IMAGES', 'python=--privileged', 'must be python=IMAGE'],
  ['ERGON_SANDBOX_IMAGES', 'python=$(id)', 'must be python=IMAGE'],
  ['ERGON_SANDBOX_IMAGES', 'perl=x', 'must be python=IMAGE'],
  ['ERGON_SANDBOX_IMAGES', 'node=x,node=y', 'must name each image once'],
  ['ERGON_SANDBOX_ENV_ALLOW', 'HOME', 'does not support host variables in solutions yet'],
  ['ERGON_SANDBOX_KEEP', '30d', 'does not support removal by age or size yet'],
])('%s=%s stops the start with a sentence that names it', (name, value, sentence) => {
  expect(() => readConfig({ [name]: value })).toThrow(new RegExp(`^${name}.*${sentence}`));
});

test('the token may be in a file, whose last line end is not of it; a bad one, and two tokens, stop the start', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ergon-token-'));
  const file = join(folder, 'token');
  const environment = { ERGON_SANDBOX_HOST: '0.0.0.0', ERGON_SANDBOX_TOKEN_FILE: file };
  try {
    writeFileSync(file, 'a-token-of-this-test\n');
    expect(readConfig(environment).token).toBe('a-token-of-this-test');
    expect(() => readConfig({ ...environment, ERGON_SANDBOX_TOKEN: 'another-token-here' })).toThrow(
      /^ERGON_SANDBOX_TOKEN_FILE: .*unset one/,
    );
    writeFileSync(file, 'short\n');
    expect(() => readConfig(environment)).toThrow(/^ERGON_SANDBOX_TOKEN_FILE.*must have 16/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('an unknown option stops the start, and an unknown variable is named', () => {
  expect(() => readConfig({}, ['--exmples', 'x'])).toThrow(/--exmples.*The only options are --examples DIR/s);
  expect(unknownVariables({ ERGON_SANDBOX_PROT: '1', ERGON_SANDBOX_PORT: '1', HOME: '/' })).toEqual([
    'ERGON_SANDBOX_PROT',
  ]);
});

describe('the table of the documentation', () => {
  const readme = readFileSync(join(__dirname, '../../README.md'), 'utf8');
  const rows = [...readme.matchAll(/^\| `(ERGON_\w+)`\s*\|\s*(.*?)\s*\|/gm)].map(([, name = '', given = '']) => ({
    name,
    given,
  }));
  const unsupported = /^(`ERGON_.*) are not supported yet/m.exec(readme)?.[1]?.match(/ERGON_\w+/g) ?? [];

  test('has every variable that the server knows, and no other', () => {
    expect([...rows.map(({ name }) => name), ...unsupported].sort()).toEqual([...variableNames].sort());
    expect(unsupported.length).toBeGreaterThan(0);
  });

  test('gives the defaults that hold: setting one changes nothing', () => {
    const plain = rows.flatMap(({ name, given }) =>
      [...given.matchAll(/^`([^`]+)`$/g)].map(([, value = '']) => [name, value]),
    );
    expect(plain.length).toBeGreaterThan(3);
    for (const [name = '', value = ''] of plain) expect(readConfig({ [name]: value })).toEqual(readConfig({}));
  });

  test.each(unsupported)('says truly that %s is not supported', (name) => {
    expect(() => readConfig({ [name]: 'x' })).toThrow(/does not support/);
  });
});
