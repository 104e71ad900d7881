import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect as dial } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type Dockerode from 'dockerode';
import { connect, resolveEndpoint } from '../src/connect/index.js';
import { busybox, echoed } from './support/echo.js';
import { freePort, Service } from './support/service.js';

let folder: string;
let port: number;
let sshd: Service;
const { PATH } = process.env;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ergon-ssh-'));
  // sshd insists on this folder, and on its being root's.
  mkdirSync('/run/sshd', { recursive: true });
  for (const key of ['host', 'user', 'stranger']) {
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, key)]);
  }
  port = await freePort();
  writeFileSync(
    join(folder, 'sshd_config'),
    [
      `Port ${port}`,
      'ListenAddress 127.0.0.1',
      `HostKey ${folder}/host`,
      `AuthorizedKeysFile ${folder}/user.pub`,
      'PidFile none',
      'StrictModes no',
      'PasswordAuthentication no',
      'KbdInteractiveAuthentication no',
      'PermitRootLogin prohibit-password',
    ].join('\n'),
  );
  sshd = new Service('/usr/sbin/sshd', ['-D', '-e', '-f', join(folder, 'sshd_config')]);
  await sshd.until(() => answers(port));
});
afterAll(async () => {
  await sshd[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});
afterEach(() => {
  process.env.PATH = PATH;
});

async function answers(on: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = dial(on, '127.0.0.1', () => resolve(true)).on('error', () => resolve(false));
    socket.once('data', () => socket.destroy());
  });
}

/** What stands in a person's ~/.ssh/config, which belongs to whoever runs this test, is given here by a file of the test's own. */
function useSettings(identity: string, knownHosts: string): void {
  const key = execFileSync('cut', ['-d', ' ', '-f', '1,2', join(folder, knownHosts)]).toString();
  writeFileSync(join(folder, 'known_hosts'), `[127.0.0.1]:${port} ${key}`);
  writeFileSync(
    join(folder, 'ssh_config'),
    `Host *\n  IdentityFile ${folder}/${identity}\n  IdentitiesOnly yes\n  UserKnownHostsFile ${folder}/known_hosts\n`,
  );
  mkdirSync(join(folder, 'bin'), { recursive: true });
  writeFileSync(join(folder, 'bin/ssh'), `#!/bin/sh\nexec /usr/bin/ssh -F ${folder}/ssh_config "$@"\n`);
  chmodSync(join(folder, 'bin/ssh'), 0o755);
  process.env.PATH = `${join(folder, 'bin')}:${PATH}`;
}

function throughSsh(): Dockerode {
  const { address } = resolveEndpoint();
  if (address.kind !== 'socket') throw new Error('This test needs an engine behind a unix socket.');
  return connect(resolveEndpoint({ host: `ssh://${userInfo().username}@127.0.0.1:${port}${address.path}` }));
}

/** This process's own ssh processes. */
function sshProcesses(): string[] {
  const list = execFileSync('ps', ['-o', 'pid=,comm=', '--ppid', `${process.pid}`]).toString();
  return list.split('\n').filter((line) => line.trim().endsWith(' ssh'));
}

async function untilGone(): Promise<string[]> {
  const deadline = performance.now() + 30_000;
  while (sshProcesses().length > 0 && performance.now() < deadline) await delay(20);
  return sshProcesses();
}

test('an engine behind ssh serves requests over connections that are reused, and hijacked streams that close one direction', async () => {
  useSettings('user', 'host.pub');
  const docker = throughSsh();
  await docker.ping();
  const first = sshProcesses();
  await docker.version();
  expect(sshProcesses()).toEqual(first);
  expect(first).toHaveLength(1);
  const bytes = Buffer.alloc(3_000_000, 'echo ');
  expect(await echoed(docker, bytes)).toEqual({ output: bytes, exitCode: 0 });
  agentOf(docker).destroy();
  expect(await untilGone()).toEqual([]);
});

test('an idle connection ends by itself', async () => {
  useSettings('user', 'host.pub');
  const docker = throughSsh();
  await docker.ping();
  expect(sshProcesses()).toHaveLength(1);
  const deadline = performance.now() + 10_000;
  while (sshProcesses().length > 0 && performance.now() < deadline) await delay(100);
  expect(sshProcesses()).toEqual([]);
});

test('a request that is aborted leaves no ssh', async () => {
  useSettings('user', 'host.pub');
  const docker = throughSsh();
  const container = await docker.createContainer({
    Image: busybox,
    Cmd: ['sleep', '100'],
    HostConfig: { NetworkMode: 'none' },
  });
  try {
    await container.start();
    const abort = new AbortController();
    const waiting = container.wait({ abortSignal: abort.signal });
    abort.abort();
    await expect(waiting).rejects.toThrow(/abort/);
    // A stream that is being read, too.
    const stream = await container.attach({ stream: true, stdout: true, stderr: true, hijack: true });
    (stream as unknown as { destroy(): void }).destroy();
  } finally {
    await container.remove({ force: true });
    agentOf(docker).destroy();
  }
  expect(await untilGone()).toEqual([]);
});

test.each([
  ['a key that is not known over there', 'stranger', 'host.pub', /cannot be reached through ssh: .*Permission denied/s],
  [
    'a host that is another one',
    'user',
    'stranger.pub',
    /cannot be reached through ssh: .*Host key verification failed/s,
  ],
])('%s is an error that says so', async (_, identity, knownHosts, sentence) => {
  useSettings(identity, knownHosts);
  await expect(throughSsh().ping()).rejects.toMatchObject({
    code: 'SANDBOX001',
    message: expect.stringMatching(sentence) as string,
  });
  expect(await untilGone()).toEqual([]);
});

test('a machine without ssh is an error that says what to install', async () => {
  process.env.PATH = join(folder, 'nowhere');
  await expect(throughSsh().ping()).rejects.toMatchObject({
    code: 'SANDBOX001',
    message: expect.stringContaining('Install it') as string,
  });
});

test('a connection that breaks in the midst of a stream is an error, not its end', async () => {
  useSettings('user', 'host.pub');
  const docker = throughSsh();
  const container = await docker.createContainer({
    Image: busybox,
    Cmd: ['sleep', '100'],
    HostConfig: { NetworkMode: 'none' },
  });
  try {
    await container.start();
    const before = new Set(sshProcesses());
    const stream = await container.attach({ stream: true, stdout: true, stderr: true, hijack: true });
    const failed = new Promise((resolve) => {
      stream
        .once('error', resolve)
        .once('end', () => resolve('end'))
        .resume();
    });
    // The attach took the idle connection, or made one: all of them are cut.
    for (const line of sshProcesses()) process.kill(Number.parseInt(line, 10), 'SIGTERM');
    expect(before.size).toBeGreaterThan(0);
    expect(await failed).toMatchObject({ code: 'SANDBOX001' });
  } finally {
    await container.remove({ force: true });
    agentOf(docker).destroy();
  }
});

function agentOf(docker: Dockerode): { destroy(): void } {
  return (docker.modem as unknown as { agent: { destroy(): void } }).agent;
}
