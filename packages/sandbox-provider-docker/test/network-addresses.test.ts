import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { resolveEndpoint } from '../src/connect/index.js';
import { engineAddresses, engineResolvers } from '../src/network/index.js';
import { nameServers } from '../src/network/resolvers.js';

const at = (host: string): Promise<string[]> => engineAddresses(resolveEndpoint({ host }));

test("a local engine's host has this machine's addresses", async () => {
  const own = execFileSync('hostname', ['-I']).toString().trim().split(' ');
  expect(await at('unix:///run/docker.sock')).toEqual(expect.arrayContaining(own));
});

test("a remote engine's host has those of its name", async () => {
  expect(await at('tcp://198.51.100.7:2376')).toEqual(['198.51.100.7']);
  expect(await at('ssh://me@198.51.100.7')).toEqual(['198.51.100.7']);
  expect(await at('tcp://localhost:2376')).toContain('127.0.0.1');
});

test('a name without an address is an error that names it', async () => {
  await expect(at('tcp://nowhere.invalid:2376')).rejects.toMatchObject({
    code: 'SANDBOX001',
    message: expect.stringContaining('nowhere.invalid') as string,
  });
});

test('a name that nobody answers for is not waited for, and the sentence names it', async () => {
  const { PATH } = process.env;
  const folder = mkdtempSync(join(tmpdir(), 'ergon-ssh-'));
  writeFileSync(join(folder, 'ssh'), '#!/bin/sh\nexec sleep 1000\n', { mode: 0o755 });
  process.env.PATH = `${folder}:${PATH}`;
  try {
    const far = resolveEndpoint({ host: 'ssh://me@far' });
    await expect(engineAddresses(far, undefined, 300)).rejects.toMatchObject({
      code: 'SANDBOX001',
      message: 'The option "host" names an engine on far, of which no address is found: it took longer than 0.3 s.',
    });
    const cancelled = AbortSignal.abort(new Error('no longer wanted'));
    await expect(engineAddresses(far, cancelled)).rejects.toThrow('no longer wanted');
  } finally {
    process.env.PATH = PATH;
    rmSync(folder, { recursive: true });
  }
});

test('the name servers of a machine are those that a container could ask', () => {
  const text =
    '# nameserver 192.0.2.9\nsearch example\nnameserver 127.0.0.53\nnameserver 10.0.0.2\n nameserver\t192.0.2.1 # first\nnameserver fe80::1%eth0\n';
  expect(nameServers(text)).toEqual(['10.0.0.2', '192.0.2.1']);
  expect(nameServers('')).toEqual([]);
});

test('of an engine elsewhere the name servers are its own to know', () => {
  expect(engineResolvers(resolveEndpoint({ host: 'tcp://198.51.100.7:2376' }))).toEqual([]);
  expect(engineResolvers(resolveEndpoint({ host: 'unix:///run/docker.sock' }))).toEqual(
    nameServers(readFileSync('/etc/resolv.conf', 'utf8')),
  );
});
