import { execFileSync } from 'node:child_process';
import { resolveEndpoint } from '../src/connect/index.js';
import { engineAddresses } from '../src/network/index.js';

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
