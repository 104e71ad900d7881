import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { connect, type Endpoint, type EndpointOptions, resolveEndpoint, thisProcess } from '../src/connect/index.js';
import { sshArguments } from '../src/connect/ssh-connection.js';
import { echoed } from './support/echo.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ergon-connect-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** The resolver's answer in an environment of just these variables, with the test's folder as Docker's configuration. */
function resolved(environment: Record<string, string>, options: EndpointOptions = {}): Endpoint {
  return resolveEndpoint(options, { ...thisProcess(), environment: { DOCKER_CONFIG: folder, ...environment } });
}

function write(name: string, text: string): void {
  mkdirSync(dirname(join(folder, name)), { recursive: true });
  writeFileSync(join(folder, name), text);
}

function writeContext(name: string, endpoint: object, pems: Record<string, string> = {}): void {
  const id = createHash('sha256').update(name).digest('hex');
  write(`contexts/meta/${id}/meta.json`, JSON.stringify({ Name: name, Metadata: {}, Endpoints: { docker: endpoint } }));
  for (const [pem, text] of Object.entries(pems)) write(`contexts/tls/${id}/docker/${pem}`, text);
}

const unix = (path: string): object => ({ address: { kind: 'socket', path } });

test("options come before DOCKER_HOST, that before DOCKER_CONTEXT, that before the configuration's context, that before the default socket", () => {
  for (const name of ['option', 'variable', 'configured']) writeContext(name, { Host: `unix:///${name}` });
  write('config.json', JSON.stringify({ currentContext: 'configured', auths: {} }));
  const variables = { DOCKER_HOST: 'unix:///host', DOCKER_CONTEXT: 'variable' };
  expect(resolved(variables, { host: 'unix:///given' })).toMatchObject(unix('/given'));
  expect(resolved(variables, { context: 'option' })).toMatchObject(unix('/option'));
  expect(resolved(variables)).toMatchObject({ ...unix('/host'), source: 'DOCKER_HOST' });
  expect(resolved({ DOCKER_CONTEXT: 'variable' })).toMatchObject(unix('/variable'));
  expect(resolved({ DOCKER_HOST: '' })).toMatchObject({ ...unix('/configured'), source: 'The context "configured"' });
  rmSync(join(folder, 'config.json'));
  expect(resolved({})).toMatchObject(unix('/var/run/docker.sock'));
});

test('the context "default" is what there is without one', () => {
  expect(resolved({ DOCKER_CONTEXT: 'default' })).toMatchObject(unix('/var/run/docker.sock'));
  expect(resolved({ DOCKER_HOST: 'unix:///host' }, { context: 'default' })).toMatchObject(unix('/host'));
});

test("without the default socket the rootless engine's is taken", () => {
  const there = (...sockets: string[]): Endpoint =>
    resolveEndpoint(
      {},
      {
        environment: { XDG_RUNTIME_DIR: '/run/user/1000' },
        home: '/nowhere',
        read: () => undefined,
        hasSocket: (path) => sockets.includes(path),
      },
    );
  expect(there('/run/user/1000/docker.sock')).toMatchObject(unix('/run/user/1000/docker.sock'));
  expect(there('/run/user/1000/docker.sock', '/var/run/docker.sock')).toMatchObject(unix('/var/run/docker.sock'));
  expect(there()).toMatchObject(unix('/var/run/docker.sock'));
});

test.each([
  ['unix://', { kind: 'socket', path: '/var/run/docker.sock' }],
  ['npipe:////./pipe/docker_engine', { kind: 'socket', path: '//./pipe/docker_engine' }],
  ['tcp://far:1234', { kind: 'tcp', host: 'far', port: 1234 }],
  ['tcp://far', { kind: 'tcp', host: 'far', port: 2375 }],
  ['tcp://far:80/', { kind: 'tcp', host: 'far', port: 80 }],
  ['far:1234', { kind: 'tcp', host: 'far', port: 1234 }],
  ['http://[::1]:1234', { kind: 'tcp', host: '::1', port: 1234 }],
  ['https://far', { kind: 'tcp', host: 'far', port: 2376, tls: { verify: true } }],
  ['ssh://far', { kind: 'ssh', host: 'far' }],
  ['ssh://me@[fe80::1]:2222', { kind: 'ssh', host: 'fe80::1', port: 2222, user: 'me' }],
  [
    'ssh://me@far/run/user/1000/docker.sock',
    { kind: 'ssh', host: 'far', user: 'me', socket: '/run/user/1000/docker.sock' },
  ],
])('%s is understood', (host, address) => {
  expect(resolved({ DOCKER_HOST: host }).address).toEqual(address);
});

test.each([
  'ssh://-oProxyCommand=touch%20x/',
  'ssh://-far',
  'ssh://-l@far',
  'ssh://%2doPermitLocalCommand@far',
  'ssh://me:secret@far',
  'ssh://far/run/$(id)/docker.sock',
  'ssh://far/a%20b',
  'ssh://far;id',
  'ssh://',
  'tcp://far/prefix',
  'tcp://me@far',
  'tcp://far:99999',
  'fd://3',
  'gopher://far',
])('%s is refused, and the sentence names the variable', (host) => {
  let thrown: unknown;
  try {
    resolved({ DOCKER_HOST: host });
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toMatchObject({
    code: 'SANDBOX001',
    message: expect.stringMatching(/^DOCKER_HOST names the engine/) as string,
  });
});

test('a password in an address is not repeated', () => {
  expect(() => resolved({ DOCKER_HOST: 'ssh://me:secret@far' })).toThrow(/^(?!.*secret)/s);
});

test('ssh gets the host behind "--", and asks nobody anything', () => {
  const args = sshArguments({ kind: 'ssh', host: 'far', user: 'me', port: 22, socket: '/run/d.sock' });
  expect(args).toContain('BatchMode=yes');
  expect(args.slice(args.indexOf('--'))).toEqual([
    '--',
    'far',
    'docker',
    '--host=unix:///run/d.sock',
    'system',
    'dial-stdio',
  ]);
});

test('TLS comes from DOCKER_CERT_PATH, verified by DOCKER_TLS_VERIFY, whatever it is set to', () => {
  for (const pem of ['ca', 'cert', 'key']) write(`pems/${pem}.pem`, pem);
  const variables = { DOCKER_HOST: 'tcp://far', DOCKER_CERT_PATH: join(folder, 'pems') };
  const pems = { ca: 'ca', cert: 'cert', key: 'key' };
  expect(resolved({ ...variables, DOCKER_TLS_VERIFY: '0' }).address).toMatchObject({
    port: 2376,
    tls: { verify: true, ...pems },
  });
  expect(resolved({ ...variables, DOCKER_TLS: '1' }).address).toMatchObject({ tls: { verify: false, ...pems } });
  expect(resolved(variables).address).toEqual({ kind: 'tcp', host: 'far', port: 2375 });
  rmSync(join(folder, 'pems/ca.pem'));
  expect(() => resolved({ ...variables, DOCKER_TLS_VERIFY: '1' })).toThrow(
    /^DOCKER_TLS_VERIFY is set, and .*ca\.pem is not there/,
  );
});

test("a context's TLS comes from its own folder", () => {
  writeContext(
    'far',
    { Host: 'tcp://far:2376', SkipTLSVerify: false },
    { 'ca.pem': 'ca', 'cert.pem': 'cert', 'key.pem': 'key' },
  );
  writeContext('loose', { Host: 'tcp://far:2376', SkipTLSVerify: true });
  writeContext('plain', { Host: 'tcp://far:2375' });
  expect(resolved({}, { context: 'far' }).address).toMatchObject({
    tls: { verify: true, ca: 'ca', cert: 'cert', key: 'key' },
  });
  expect(resolved({}, { context: 'loose' }).address).toMatchObject({ tls: { verify: false } });
  expect(resolved({}, { context: 'plain' }).address).toEqual({ kind: 'tcp', host: 'far', port: 2375 });
});

test('a context that is not there, or is damaged, is named in the sentence', () => {
  expect(() => resolved({ DOCKER_CONTEXT: 'gone' })).toThrow(
    /^DOCKER_CONTEXT names the context "gone", which is not in /,
  );
  write('config.json', '{ "currentContext": "../../gone" }');
  expect(() => resolved({})).toThrow(/^"currentContext" in .*config\.json names the context "\.\.\/\.\.\/gone"/);
  write('config.json', '{ not JSON');
  expect(() => resolved({})).toThrow(/config\.json is not what Docker writes there/);
  writeContext('odd', { Host: 7 });
  expect(() => resolved({}, { context: 'odd' })).toThrow(/meta\.json is not what Docker writes there: .*Host/s);
});

test('both a host and a context are one too many', () => {
  expect(() => resolved({}, { host: 'unix:///a', context: 'b' })).toThrow('both name an engine');
});

test('an engine is spoken to through the socket that a context names, whatever DOCKER_HOST says', async () => {
  const { address } = resolveEndpoint();
  expect(address).toMatchObject({ kind: 'socket' });
  if (address.kind !== 'socket') return;
  writeContext('here', { Host: `unix://${address.path}` });
  const before = process.env.DOCKER_HOST;
  process.env.DOCKER_HOST = 'tcp://203.0.113.1:9';
  try {
    const docker = connect(resolved({}, { context: 'here' }));
    const bytes = Buffer.alloc(1_000_000, 'echo ');
    expect(await echoed(docker, bytes)).toEqual({ output: bytes, exitCode: 0 });
  } finally {
    if (before === undefined) delete process.env.DOCKER_HOST;
    else process.env.DOCKER_HOST = before;
  }
});

test('a plain TCP address is spoken to', async () => {
  const requests: string[] = [];
  const server = createServer((socket) => {
    socket.once('data', (chunk: Buffer) => {
      requests.push(chunk.toString().split('\r\n')[0] ?? '');
      socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nOK');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const answer = (await connect(resolved({ DOCKER_HOST: `tcp://127.0.0.1:${port}` })).ping()) as Buffer;
  server.close();
  expect([answer.toString(), ...requests]).toEqual(['OK', 'GET /_ping HTTP/1.1']);
});
