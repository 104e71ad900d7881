import { mkdirSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openFiles } from './leftovers.js';
import { sandbox, TestServer } from './server.js';
import type { Body } from './server.js';
import { until } from './until.js';

const gibibyte = 1024 ** 3;
/** An empty zip archive: nothing but its end. */
const emptyZip = Buffer.from(`504b0506${'00'.repeat(18)}`, 'hex');

afterEach(() => TestServer.endAll());

const unpack = (id: string): string => sandbox(`/${id}/files/in?archive=zip`);

/** Announces a zip archive, and sends nothing of it. */
function announce(server: TestServer, id: string, bytes: number): Socket {
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1').on('error', () => undefined);
  socket.write(`PUT ${unpack(id)} HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${bytes}\r\n\r\n`);
  return socket;
}

async function upload(server: TestServer, id: string): Promise<{ status: number; problem: Partial<Body> }> {
  const response = await server.fetch(unpack(id), { method: 'PUT', body: emptyZip });
  const body = (await response.json()) as Body;
  return { status: response.status, problem: body };
}

/** Of uploads, with or without a name. */
const spools = (server: TestServer): string[] =>
  openFiles(server.process.pid).filter((file) => file.includes('/upload-'));

test('zip archives that are announced, and come slowly or never, take nothing from others; what came is without a name', async () => {
  const server = await TestServer.start();
  const [full, other] = [await server.openShell('true'), await server.openShell('true')];
  const large = Array.from({ length: 6 }, () => announce(server, full, gibibyte));
  const nameless = (): string[] => spools(server).filter((target) => target.endsWith(' (deleted)'));
  // As many as a sandbox makes of them at a time; the others wait for those.
  await until(() => nameless().length === 3, 30_000);
  expect(await upload(server, other)).toMatchObject({ status: 200 });
  for (const socket of large) socket.destroy();
  await until(() => spools(server).length === 0, 30_000);
  expect(readdirSync(server.dataDir).filter((name) => name.startsWith('upload-'))).toEqual([]);
});

test('a zip archive that is announced as too large is refused before it comes', async () => {
  const server = await TestServer.start();
  const socket = announce(server, await server.openShell('true'), gibibyte + 1);
  let answer = '';
  socket.on('data', (chunk: Buffer) => (answer += chunk.toString()));
  await until(() => answer.includes('SANDBOX004'), 30_000);
  expect(answer).toMatch(
    /^HTTP\/1\.1 507 [^]*"The zip archive is larger than 1073741824 bytes; a tar may be larger\."/,
  );
  socket.destroy();
});

test('an archive that a killed server left in the data folder is gone after the next start, and nothing else is', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'ergon-spool-'));
  writeFileSync(join(dataDir, 'upload-9e107d9d-372b-4d5c-8f8b-0242ac120002'), 'left');
  const others = ['own', 'upload-x', 'upload-9e107d9d-372b-4d5c-8f8b-0242ac120003', 'upload-notes'];
  for (const name of others.slice(0, 3)) mkdirSync(join(dataDir, name));
  writeFileSync(join(dataDir, 'upload-notes'), 'mine');
  const server = await TestServer.start({ dataDir });
  const names = readdirSync(dataDir);
  expect(names).toEqual(expect.arrayContaining(others));
  expect(names.filter((name) => name.startsWith('upload-')).sort()).toEqual(others.slice(1).sort());
  expect(server.log.filter(({ level }) => level === 'warn' || level === 'error')).toMatchObject([
    { level: 'warn', message: 'What is left of an upload cannot be removed', path: join(dataDir, others[2] ?? '') },
  ]);
});
