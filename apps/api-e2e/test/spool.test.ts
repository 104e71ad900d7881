import { mkdirSync, mkdtempSync, readdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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
  const response = await fetch(server.url + unpack(id), { method: 'PUT', body: emptyZip });
  const body = (await response.json()) as Body;
  const type = response.headers.get('content-type');
  (await server.contract()).check('PUT', unpack(id), { status: response.status, type, body });
  return { status: response.status, problem: body };
}

/** Files of uploads that the server has open, with or without a name. */
function spools({ process: { pid } }: TestServer): string[] {
  const folder = `/proc/${String(pid)}/fd`;
  return readdirSync(folder).flatMap((fd) => {
    try {
      const target = readlinkSync(join(folder, fd));
      return target.includes('/upload-') ? [target] : [];
    } catch {
      return []; // closed since it was listed
    }
  });
}

test('zip archives on their way up have 4 GiB together: one too many is told so, and comes once others have gone', async () => {
  const server = await TestServer.start();
  const [full, other] = [await server.openShell('true'), await server.openShell('true')];
  expect(await upload(server, other)).toMatchObject({ status: 200 });
  const large = Array.from({ length: 4 }, () => announce(server, full, gibibyte));
  const nameless = (): string[] => spools(server).filter((target) => target.endsWith(' (deleted)'));
  await until(() => nameless().length === 4, 30_000);
  expect(await upload(server, other)).toEqual({
    status: 507,
    problem: {
      type: 'urn:ergon:sandbox:SANDBOX004',
      title: 'Resource limit exceeded',
      status: 507,
      detail:
        'The zip archives that are on their way to this server would have more than 4294967296 bytes together; try again later, or send a tar.',
      code: 'SANDBOX004',
    },
  });
  large[0]?.destroy();
  await until(async () => (await upload(server, other)).status === 200, 30_000);
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
  mkdirSync(join(dataDir, 'own'));
  await TestServer.start({ dataDir });
  const names = readdirSync(dataDir);
  expect(names).toContain('own');
  expect(names.filter((name) => name.startsWith('upload-'))).toEqual([]);
});
