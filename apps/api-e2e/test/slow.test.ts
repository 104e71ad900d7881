import { request as httpRequest } from 'node:http';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { json, text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { sandbox, TestServer } from './server.js';
import type { Body } from './server.js';
import { execute, linesOf } from './sse.js';
import { until } from './until.js';

const limitMs = 3000;
let server: TestServer;
beforeAll(async () => {
  server = await TestServer.start({ env: { ERGON_SANDBOX_REQUEST_TIMEOUT: String(limitMs / 1000) } });
});
afterAll(() => TestServer.endAll());

const files = (id: string, path = ''): string => sandbox(`/${id}/files${path}`);

interface Upload {
  readonly request: ClientRequest;
  readonly answer: Promise<IncomingMessage>;
}

/** More than is taken in whole before it is written. */
const large = 100_000;

/** A PUT whose body the test sends. */
function put(path: string, bytes = large): Upload {
  const request = httpRequest(server.url + path, { method: 'PUT', headers: { 'Content-Length': bytes } });
  const answer = new Promise<IncomingMessage>((resolve, reject) => request.on('response', resolve).on('error', reject));
  answer.catch(() => undefined); // of a test that ends it itself
  request.flushHeaders();
  return { request, answer };
}

const listed = async (id: string): Promise<string[]> => {
  const response = await server.fetch(files(id));
  return ((await response.json()) as { entries: { name: string }[] }).entries.map(({ name }) => name).sort();
};

/** What comes on a connection on which this is sent, and then a byte at a time, until the server ends it. */
async function drip(head: string): Promise<string> {
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1').on('error', () => undefined);
  socket.write(head);
  const pulse = setInterval(() => socket.write('x'), 100);
  try {
    return await text(socket);
  } finally {
    clearInterval(pulse);
    socket.destroy();
  }
}

test('uploads may take longer than other requests, as long as they go on; so may what waits for its turn behind them, and all else goes on', async () => {
  const id = await server.openShell('true');
  const begun = performance.now();
  let enough = Infinity;
  const slow = [0, 1, 2].map((number) => put(files(id, `/slow-${number}`)));
  const dripped = slow.map(async ({ request, answer }) => {
    let sent = 0;
    for (; performance.now() < enough; sent += 1) {
      request.write('x');
      await delay(100);
    }
    request.end('y'.repeat(large - sent));
    return (await answer).statusCode;
  });
  const look = { command: ['sh', '-c', 'ls -A | grep -c "^[.]"'] };
  await until(async () => linesOf((await execute(server, id, look)).messages)[0] === '[stdout] 3', 30_000);
  const waiting = performance.now();
  const behind = put(files(id, '/large'), 64 * 1024 ** 2);
  behind.request.end(Buffer.alloc(64 * 1024 ** 2));
  const small = files(id, '/made/small');
  expect((await server.fetch(small, { method: 'PUT', body: 'small' })).status).toBe(200);
  expect(await (await server.fetch(small)).text()).toBe('small');
  expect((await server.fetch(files(id, '/made'), { method: 'DELETE' })).status).toBe(200);
  expect((await listed(id)).filter((name) => !name.startsWith('.'))).toEqual(['main.sh']);
  enough = Math.max(waiting + 1.5 * limitMs, begun + 2 * limitMs);
  expect(await Promise.all(dripped)).toEqual([200, 200, 200]);
  expect((await behind.answer).statusCode).toBe(200);
  expect(performance.now() - waiting).toBeGreaterThan(limitMs);
  expect(await listed(id)).toEqual(['large', 'main.sh', 'slow-0', 'slow-1', 'slow-2']);
  await server.ok('DELETE', sandbox(`/${id}`));
});

test('downloads that nobody reads are given up, and do not keep others from theirs', async () => {
  const id = await server.openShell('head -c 40000000 /dev/urandom > big; cp big /output/big');
  await execute(server, id);
  const ask = (path: string): Socket => {
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1').pause();
    socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    return socket;
  };
  const unread = [
    files(id, '/big'),
    files(id, '/big'),
    files(id, '?archive=zip'),
    sandbox(`/results/${id}/files/big`),
    sandbox(`/results/${id}/files?archive=tar`),
  ].map(ask);
  const aborted = (): number => server.log.filter((line) => line.aborted === true).length;
  const before = aborted();
  await until(() => aborted() >= before + 5, 60_000);
  const response = await server.fetch(files(id, '/big'));
  expect((await response.arrayBuffer()).byteLength).toBe(40_000_000);
  for (const socket of unread) socket.destroy();
  await server.ok('DELETE', sandbox(`/${id}`));
});

test.each([
  ['a file', '/file', 'begun', large],
  ['a small file', '/below/file', 'begun', 1000],
  ['a tar', '/?archive=tar', Buffer.alloc(500), large],
  ['a zip', '/?archive=zip', 'PK', large],
])(
  'an upload of %s whose client falls silent is given up with a sentence, and leaves nothing',
  async (_what, path, part, bytes) => {
    const id = await server.openShell('true');
    const { request, answer } = put(files(id, path), bytes);
    request.write(part);
    const response = await answer;
    const problem = (await json(response)) as Body;
    expect(response.headers).toMatchObject({ 'content-type': 'application/problem+json', connection: 'close' });
    expect(problem).toMatchObject({
      status: 408,
      code: 'SANDBOX008',
      detail: 'No byte of the body came for 3 s, so the upload was given up.',
    });
    (await server.contract()).check('PUT', files(id, '/x'), {
      status: response.statusCode ?? 0,
      type: 'application/problem+json',
      body: problem,
    });
    expect(await listed(id)).toEqual(['main.sh']);
    await server.ok('DELETE', sandbox(`/${id}`));
  },
  60_000,
);

test('an upload whose client leaves in the midst leaves nothing', async () => {
  const id = await server.openShell('true');
  const { request } = put(files(id, '/file'));
  request.write('begun');
  await until(async () => (await listed(id)).length > 1, 30_000);
  request.destroy();
  await until(async () => (await listed(id)).length === 1, 30_000);
  expect(await listed(id)).toEqual(['main.sh']);
  await server.ok('DELETE', sandbox(`/${id}`));
});

test('what drips for ever is ended: heads, other bodies, and bodies that were refused', async () => {
  const host = 'Host: localhost\r\n';
  const length = 'Content-Length: 1000000\r\n\r\n';
  const [head, body, refused] = await Promise.all([
    drip(`GET /${'x'.repeat(100)}`),
    drip(`POST ${sandbox('/test')} HTTP/1.1\r\n${host}Content-Type: application/json\r\n${length}{`),
    drip(`PUT ${files('nowhere', '/x')} HTTP/1.1\r\n${host}${length}`),
  ]);
  expect(head).toMatch(/^HTTP\/1\.1 408 [^]*"The headers of the request did not come within 15 s\."/);
  expect(body).toMatch(/^HTTP\/1\.1 408 [^]*application\/problem\+json[^]*"The request did not come within 3 s\."/);
  expect(refused).toMatch(/^HTTP\/1\.1 404 [^]*SANDBOX006/);
  expect(refused.match(/HTTP\/1\.1/g)).toHaveLength(1);
});

test('an answer may take longer than a request', async () => {
  const id = await server.openShell('sleep 4; echo done');
  expect(linesOf((await execute(server, id)).messages)).toEqual(['[stdout] done']);
  await server.ok('DELETE', sandbox(`/${id}`));
});
