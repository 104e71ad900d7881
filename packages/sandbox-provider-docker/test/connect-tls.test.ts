import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import type Dockerode from 'dockerode';
import { packFolder } from '../src/archive/index.js';
import { connect, resolveEndpoint, thisProcess } from '../src/connect/index.js';
import { busybox, echoed } from './support/echo.js';
import { freePort, Service } from './support/service.js';

let folder: string;
let port: number;
let engine: Service;
const bridge = `tls${process.pid}`;

/** Makes `NAME/ca.pem`, `cert.pem`, `key.pem` (a client's) and the same for a server of this machine's loopback. */
function makeAuthority(name: string): void {
  const at = (file: string): string => join(folder, name, file);
  const openssl = (...args: string[]): unknown => execFileSync('openssl', args, { stdio: 'pipe' });
  mkdirSync(at('server'), { recursive: true });
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  openssl(
    'req',
    '-x509',
    ...newKey,
    '-keyout',
    at('ca-key.pem'),
    '-out',
    at('ca.pem'),
    '-days',
    '1',
    '-subj',
    `/CN=${name}`,
  );
  for (const [role, usage] of [
    ['.', 'clientAuth'],
    ['server', 'serverAuth'],
  ] as const) {
    openssl(
      'req',
      ...newKey,
      '-keyout',
      at(`${role}/key.pem`),
      '-out',
      at(`${role}/request.pem`),
      '-subj',
      `/CN=${usage}`,
    );
    writeFileSync(at(`${role}/extensions`), `subjectAltName=IP:127.0.0.1\nextendedKeyUsage=${usage}\n`);
    const signing = ['-CA', at('ca.pem'), '-CAkey', at('ca-key.pem'), '-CAcreateserial', '-days', '1'];
    openssl(
      'x509',
      '-req',
      '-in',
      at(`${role}/request.pem`),
      ...signing,
      '-out',
      at(`${role}/cert.pem`),
      '-extfile',
      at(`${role}/extensions`),
    );
  }
}

function client(certificates: string, variables: Record<string, string> = { DOCKER_TLS_VERIFY: '1' }): Dockerode {
  const environment = {
    DOCKER_HOST: `tcp://127.0.0.1:${port}`,
    DOCKER_CERT_PATH: join(folder, certificates),
    ...variables,
  };
  return connect(resolveEndpoint({}, { ...thisProcess(), environment }));
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ergon-tls-'));
  makeAuthority('ours');
  makeAuthority('others');
  mkdirSync(join(folder, 'none'));
  cpSync(join(folder, 'ours/ca.pem'), join(folder, 'none/ca.pem'));
  port = await freePort();
  const server = ['cert', 'key'].map((pem) => `--tls${pem}=${folder}/ours/server/${pem}.pem`);
  const data = ['--data-root', `${folder}/data`, '--exec-root', `${folder}/exec`, '-p', `${folder}/pid`];
  // A bridge of its own: with none, an engine removes another one's docker0.
  execFileSync('ip', ['link', 'add', bridge, 'type', 'bridge']);
  execFileSync('ip', ['address', 'add', '198.51.100.1/30', 'dev', bridge]);
  const noNetwork = [`--bridge=${bridge}`, '--iptables=false', '--ip-forward=false', '--ip-masq=false'];
  const listen = ['-H', `tcp://127.0.0.1:${port}`, '--tlsverify', `--tlscacert=${folder}/ours/ca.pem`, ...server];
  engine = new Service('dockerd', [...data, ...noNetwork, ...listen]);
  await engine.until(async () => {
    try {
      await client('ours').ping();
      return true;
    } catch {
      return false;
    }
  });
  const tree = join(folder, 'tree');
  mkdirSync(join(tree, 'bin'), { recursive: true });
  cpSync(execFileSync('sh', ['-c', 'command -v busybox']).toString().trim(), join(tree, 'bin/cat'));
  const tar = packFolder(tree, { uid: 0, gid: 0, prefix: '.' });
  const [repo, tag] = busybox.split(':');
  const progress = await client('ours').importImage(tar, { repo, tag, changes: 'ENV PATH=/bin' });
  await finished(progress.resume());
});
afterAll(async () => {
  await engine[Symbol.asyncDispose]();
  execFileSync('ip', ['link', 'delete', bridge]);
  rmSync(folder, { recursive: true });
});

test('an engine behind TLS with certificates on both sides serves requests and hijacked streams', async () => {
  const docker = client('ours');
  expect(String(await docker.ping())).toBe('OK');
  const bytes = Buffer.alloc(1_000_000, 'echo ');
  expect(await echoed(docker, bytes)).toEqual({ output: bytes, exitCode: 0 });
});

test('an engine whose authority is another one is refused', async () => {
  await expect(client('others').ping()).rejects.toMatchObject({
    code: expect.stringMatching(/^(UNABLE_TO_VERIFY|SELF_SIGNED|CERT_|DEPTH)/) as string,
  });
});

test('an engine that wants a certificate refuses a client without one', async () => {
  await expect(client('none').ping()).rejects.toThrow(/certificate|alert/i);
});

test('DOCKER_TLS without DOCKER_TLS_VERIFY encrypts, and checks nothing', async () => {
  cpSync(join(folder, 'ours'), join(folder, 'unchecked'), { recursive: true });
  cpSync(join(folder, 'others/ca.pem'), join(folder, 'unchecked/ca.pem'));
  await expect(client('unchecked').ping()).rejects.toThrow();
  expect(String(await client('unchecked', { DOCKER_TLS: '1' }).ping())).toBe('OK');
});

test('a context with its own certificates reaches it, too', async () => {
  const config = join(folder, 'config');
  // sha256 of "far"
  const id = execFileSync('sh', ['-c', 'printf far | sha256sum']).toString().slice(0, 64);
  mkdirSync(join(config, `contexts/meta/${id}`), { recursive: true });
  mkdirSync(join(config, `contexts/tls/${id}/docker`), { recursive: true });
  const endpoints = { docker: { Host: `tcp://127.0.0.1:${port}`, SkipTLSVerify: false } };
  writeFileSync(
    join(config, `contexts/meta/${id}/meta.json`),
    JSON.stringify({ Name: 'far', Metadata: {}, Endpoints: endpoints }),
  );
  for (const pem of ['ca.pem', 'cert.pem', 'key.pem']) {
    cpSync(join(folder, 'ours', pem), join(config, `contexts/tls/${id}/docker`, pem));
  }
  const environment = { DOCKER_CONFIG: config };
  const docker = connect(resolveEndpoint({ context: 'far' }, { ...thisProcess(), environment }));
  expect(String(await docker.ping())).toBe('OK');
});
