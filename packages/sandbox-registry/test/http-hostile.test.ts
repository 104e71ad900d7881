import { once } from 'node:events';
import { createServer } from 'node:http';
import type { RequestListener, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createServer as createTcpServer } from 'node:net';
import type { TestResultRecord } from '@ergon/sandbox-core';
import { HttpRegistry } from '../src/index.js';

// On a machine that others use too.

const token = 'secret-of-the-server';
const started: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of started.splice(0)) await one.close();
});

/** A server that answers so. @returns its address. */
async function serve(answer: RequestListener): Promise<{ url: string; server: Server }> {
  const server = createServer(answer);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  started.push({
    close: async () => {
      server.closeAllConnections();
      if (!server.listening) return;
      server.close();
      await once(server, 'close');
    },
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server };
}

function connect(url: string, timeoutMs = 30_000): HttpRegistry {
  const registry = new HttpRegistry({ url, token, timeoutMs });
  started.push({ close: () => registry[Symbol.asyncDispose]() });
  return registry;
}

/** A registry whose every answer is this. */
async function answering(status: number, body: string | Buffer, type = 'application/json'): Promise<HttpRegistry> {
  const { url } = await serve((_request, response) => response.writeHead(status, { 'Content-Type': type }).end(body));
  return connect(url);
}

const unit = {
  id: 'a',
  type: 'solution',
  name: 'Hello',
  version: '1',
  content: { code: 'print(1)' },
  created: '2026-01-01T00:00:00',
};
const record: TestResultRecord = {
  executionId: 'execution-1',
  timestamp: '2026-01-01T00:00:00.000Z',
  status: 'completed',
  exitCode: 0,
  executionTimeMs: 1,
  provider: 'sandbox-exec',
  errors: [],
};

/** What the caller is told. */
async function refusal(call: Promise<unknown>): Promise<string> {
  const error: unknown = await call.then(
    (value) => {
      throw new Error(`it was taken: ${JSON.stringify(value)}`);
    },
    (reason: unknown) => reason,
  );
  expect(error).toMatchObject({ code: 'SANDBOX001' });
  const { message } = error as Error;
  expect(message).toMatch(/^The registry at http:\/\/127\.0\.0\.1:\d+\/api\/ergon\/registry [^\n]{1,300}\.$/);
  expect(message).not.toContain(token);
  return message.replace(/^The registry at \S+ /, '');
}

test.each<[what: string, status: number, body: string | Buffer, type: string, sentence: string]>([
  ['an HTML page', 200, '<html>', 'text/html; charset=x', 'answered 200 with what is no JSON (text/html).'],
  ['half of a unit', 200, '{"id":"a"', 'application/json', 'answered 200 with what is no JSON (application/json).'],
  ['nothing', 200, '', '\u00e4', 'answered 200 with what is no JSON (no type).'],
  ['no UTF-8', 200, Buffer.from([0x22, 0xff, 0x22]), 'text/x', 'answered 200 with what is no JSON (text/x).'],
  ['a page for what it has not', 404, '<html>', 'text/html', 'answered 404 with what is no JSON (text/html).'],
  ['a list', 200, '[]', 'application/json', 'The input: must be an object.'],
  ['null', 200, 'null', 'application/json', 'The input: must be an object.'],
  ['no content', 200, JSON.stringify({ ...unit, content: 1 }), 'application/json', 'content: must be an object.'],
  [
    'no time',
    200,
    JSON.stringify({ ...unit, created: 'now' }),
    'application/json',
    'created: must be a time in ISO 8601.',
  ],
  ['a name that is none', 200, JSON.stringify({ ...unit, name: {} }), 'application/json', 'name: must be text.'],
  ['a bad id', 200, JSON.stringify({ ...unit, id: '../a' }), 'application/json', 'id: must be 1 to 128 letters'],
  [
    'a unit of another id',
    200,
    JSON.stringify({ ...unit, id: 'b' }),
    'application/json',
    'gave another unit (b) than was asked for (a).',
  ],
  [
    'a unit that is deep',
    200,
    `{"x":${'['.repeat(1e6)}${']'.repeat(1e6)}}`,
    'application/json',
    'answered with more than',
  ],
  [
    'depth within the count of values',
    200,
    JSON.stringify(unit).replace('{', `{"x":${'['.repeat(5e4)}${']'.repeat(5e4)},`),
    'application/json',
    'x: is nested too deeply.',
  ],
  [
    'millions of values',
    200,
    `{"x":[${'1,'.repeat(3e6)}1]}`,
    'application/json',
    'answered with more than 220000 values.',
  ],
  ['that it wants a token', 401, '{}', 'application/json', 'demands a token that it accepts (401).'],
  ['that it failed', 500, JSON.stringify({ detail: 'Traceback' }), 'application/json', 'failed (500).'],
  ['too many calls', 429, '{}', 'application/json', 'refuses this (429).'],
  ['that it has another name', 421, '{"detail":"Not mine."}', 'application/json', 'refuses this (421): Not mine.'],
  ['that it made something', 201, '{}', 'application/json', 'failed (201).'],
])('a registry that answers with %s is a sentence', async (_what, status, body, type, sentence) => {
  const registry = await answering(status, body, type);
  expect(await refusal(registry.getSolution('a'))).toContain(sentence);
  expect(await refusal(registry.recordTestResult('a', record))).toContain(sentence);
});

test('answers of other calls that have another shape are sentences too', async () => {
  const registry = await answering(
    200,
    JSON.stringify({ ...unit, results: [unit, { ...unit, id: 7 }], types: ['a', 1] }),
  );
  const shape = "gave an answer of another shape than a registry's: ";
  expect(await refusal(registry.search())).toBe(
    `${shape}results.1.id: must be 1 to 128 letters, digits or . _ : @ -, and begin with a letter or digit.`,
  );
  expect(await refusal(registry.types())).toBe(`${shape}types.1: must be text.`);
  expect(await refusal(registry.statistics())).toBe(`${shape}status: is not "healthy".`);
  expect(await refusal(registry.store({ ...unit, id: 'b' }))).toContain(
    'gave another unit (a) than was asked for (b).',
  );
});

test('a store that is acknowledged under another id, or not at all, is a sentence', async () => {
  let answer: object = { success: true, id: 'other' };
  const { url } = await serve((request, response) => {
    response.writeHead(request.method === 'GET' ? 404 : 200).end(JSON.stringify(answer));
  });
  const registry = connect(url);
  expect(await refusal(registry.store(unit))).toBe('stored a unit under another id (other) than it was given (a).');
  answer = { success: false, id: 'a' };
  expect(await refusal(registry.store(unit))).toContain('success: is not true.');
});

test('a refusal of the input is told as it is, on one line, in part, without the token', async () => {
  const detail = `No:\n\u001b[31m${token} ${'x'.repeat(5000)}`;
  const { url } = await serve((request, response) => {
    response.writeHead(422).end(JSON.stringify({ detail }));
    request.resume();
  });
  const { message, code } = await connect(url)
    .store({ ...unit, id: undefined })
    .then(
      () => ({ message: 'stored', code: '' }),
      (error: unknown) => error as { message: string; code: string },
    );
  expect(code).toBe('SANDBOX008');
  expect(message).toMatch(/registry refuses this \(422\): No: \[31m… x{280,300}\.$/);
});

test('a body without an end is refused at its limit, and the connection closed', async () => {
  let sent = 0;
  let closed = (): void => {};
  const close = new Promise<void>((resolve) => (closed = resolve));
  const chunk = Buffer.alloc(1024 * 1024, ' ');
  const { url } = await serve((_request, response) => {
    response.writeHead(200, { 'Content-Type': 'application/json' });
    const more = (): void => {
      while (!response.destroyed) {
        sent += chunk.length;
        if (!response.write(chunk)) return void response.once('drain', more);
      }
    };
    response.once('close', closed);
    more();
  });
  expect(await refusal(connect(url).types())).toBe('answered with more than 1 MiB; ask for less.');
  await close;
  expect(sent).toBeLessThan(16 * 1024 * 1024);
});

test('a compressed body is counted as it unfolds', async () => {
  const { gzipSync } = await import('node:zlib');
  const bomb = gzipSync(Buffer.alloc(128 * 1024 * 1024, ' '), { level: 1 });
  const { url } = await serve((_request, response) => {
    response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Encoding': 'gzip' }).end(bomb);
  });
  const before = process.memoryUsage().arrayBuffers;
  expect(await refusal(connect(url).get('a'))).toBe('answered with more than 18 MiB; ask for less.');
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(64 * 1024 * 1024);
});

test.each<[string, RequestListener]>([
  ['nothing', () => {}],
  ['half of its head', (_request, response) => void response.socket?.write('HTTP/1.1 200 OK\r\nContent-')],
  [
    'a byte now and then',
    (_request, response) => {
      const timer = setInterval(() => response.write(' '), 20);
      response.once('close', () => clearInterval(timer));
    },
  ],
])('a registry that sends %s is given up when the time is over', async (_what, answer) => {
  const { url } = await serve(answer);
  const registry = connect(url, 300);
  const begun = performance.now();
  expect(await refusal(registry.getSolution('a'))).toBe('did not answer within 0.3 s.');
  expect(performance.now() - begun).toBeLessThan(15_000);
});

test('results that wait for their turn wait no longer than each may take, and then nothing is asked for a while', async () => {
  let asked = 0;
  const { url } = await serve(() => (asked += 1));
  const registry = connect(url, 1000);
  const begun = performance.now();
  const all = await Promise.allSettled(Array.from({ length: 20 }, () => registry.recordTestResult('a', record)));
  expect(all.map(({ status }) => status)).toEqual(Array(20).fill('rejected'));
  expect(await refusal(registry.recordTestResult('b', record))).toBe('gave no answer a moment ago.');
  expect(performance.now() - begun).toBeLessThan(15_000);
  expect(asked).toBe(1);
});

test('where a unit can be read and its store hangs, one result waits in vain, and the next ones are refused at once', async () => {
  let stores = 0;
  const { url } = await serve((request, response) => {
    if (request.method === 'POST') stores += 1;
    else response.end(JSON.stringify(unit));
  });
  const registry = connect(url, 3000);
  expect(await refusal(registry.recordTestResult('a', record))).toBe('did not answer within 3 s.');
  expect((await registry.get('a'))?.unit.id).toBe('a');
  for (let times = 0; times < 2; times += 1) {
    expect(await refusal(registry.recordTestResult('b', record))).toBe('gave no answer a moment ago.');
  }
  expect(stores).toBe(1);
});

test.each(['file:///etc/passwd', 'http://169.254.169.254/latest/meta-data/', '/api/ergon/registry/b', 'elsewhere'])(
  'a redirect to %s is not followed',
  async (location) => {
    const there: string[] = [];
    const { url: elsewhere } = await serve((request, response) => {
      there.push(String(request.url));
      response.end(JSON.stringify(unit));
    });
    const asked: string[] = [];
    const { url } = await serve((request, response) => {
      asked.push(String(request.url));
      response.writeHead(307, { Location: location === 'elsewhere' ? elsewhere : location }).end();
    });
    const registry = connect(url);
    const sentence = 'redirects (307), which is not followed: give the address at which it is.';
    expect(await refusal(registry.get('a'))).toBe(sentence);
    expect(await refusal(registry.store({ ...unit, id: undefined }))).toBe(sentence);
    expect(asked).toEqual(['/api/ergon/registry/a', '/api/ergon/registry/store']);
    expect(there).toEqual([]);
  },
);

test.each([502, 503, 504])(
  'a GET is tried again after a %s, at most twice; what changes something is not',
  async (status) => {
    const asked: string[] = [];
    let failures = 2;
    const { url } = await serve((request, response) => {
      asked.push(String(request.method));
      failures -= 1;
      response.writeHead(failures >= 0 ? status : 200).end(JSON.stringify(unit));
    });
    const registry = connect(url);
    expect((await registry.get('a'))?.unit.name).toBe('Hello');
    expect(asked).toEqual(['GET', 'GET', 'GET']);
    failures = 3;
    expect(await refusal(registry.get('a'))).toBe(`failed (${status}).`);
    expect(asked).toHaveLength(6);
    failures = 1;
    expect(await refusal(registry.delete('a'))).toBe(`failed (${status}).`);
    failures = 1;
    expect(await refusal(registry.store({ ...unit, id: undefined }))).toBe(`failed (${status}).`);
    expect(asked.slice(6)).toEqual(['DELETE', 'POST']);
  },
);

test('a GET whose connection breaks is tried again; a store whose connection breaks is not', async () => {
  const asked: string[] = [];
  let breaks = true;
  const { url } = await serve((request, response) => {
    asked.push(String(request.method));
    if (!breaks) return void response.end(JSON.stringify(unit));
    breaks = false;
    response.writeHead(200, { 'Content-Length': 1000 });
    response.write('{"id":', () => response.destroy());
  });
  const registry = connect(url);
  expect((await registry.get('a'))?.unit.id).toBe('a');
  expect(asked).toEqual(['GET', 'GET']);
  breaks = true;
  expect(await refusal(registry.store({ ...unit, id: undefined }))).toMatch(/^does not answer: /);
  expect(asked).toEqual(['GET', 'GET', 'POST']);
});

test('where nobody listens, or what listens speaks no HTTP, the sentence says what the system says', async () => {
  const { url, server } = await serve(() => {});
  server.close();
  const port = new URL(url).port;
  expect(await refusal(connect(url).types())).toBe(`does not answer: connect ECONNREFUSED 127.0.0.1:${port}.`);
  const other = createTcpServer((socket) => socket.on('error', () => {}).end('SSH-2.0-x\r\n'));
  other.listen(0, '127.0.0.1');
  await once(other, 'listening');
  started.push({ close: async () => void other.close() });
  const address = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
  expect(await refusal(connect(address).types())).toMatch(/^does not answer: .{3,}/);
});

test('of many calls at most eight are under way, and each has its turn', async () => {
  const open = new Set<() => void>();
  let asked = 0;
  let most = 0;
  let full = (): void => {};
  const eight = new Promise<void>((resolve) => (full = resolve));
  const { url } = await serve((request, response) => {
    if (request.url === '/') return void response.end();
    asked += 1;
    const answer = (): void => {
      open.delete(answer);
      response.end(JSON.stringify(unit));
    };
    open.add(answer);
    most = Math.max(most, open.size);
    if (asked === 8) full();
    if (asked > 8) answer();
  });
  const registry = connect(url, 30_000);
  const calls = Array.from({ length: 30 }, () => registry.get('a'));
  await eight;
  // Time in which a ninth would come.
  for (let trip = 0; trip < 20; trip += 1) await fetch(url);
  for (const answer of [...open]) answer();
  expect((await Promise.all(calls)).map((found) => found?.unit.id)).toEqual(Array(30).fill('a'));
  expect(most).toBe(8);
});

test('what waits for a turn, while others that came later have theirs, waits no longer than its own time', async () => {
  const others = ['b', 'c', 'd', 'e', 'f', 'g', 'h', 'i'];
  const settled: string[] = [];
  const calls: Promise<unknown>[] = [];
  let asked = 0;
  let answerFirst = (): void => {};
  const { url } = await serve((_request, response) => {
    asked += 1;
    if (asked === 1) {
      answerFirst = () => void response.end(JSON.stringify(unit));
      for (const id of others) calls.push(registry.get(id).catch(() => settled.push(id)));
    }
    if (asked === 8) answerFirst(); // and all else hangs, so that the store after this reading has no turn
  });
  const registry = connect(url, 1000);
  await registry.store(unit).catch(() => settled.push('first'));
  await Promise.all(calls);
  expect(settled[0]).toBe('first');
  expect(settled).toHaveLength(9);
});

test('its end ends the calls under way', async () => {
  let came = (): void => {};
  const arrived = new Promise<void>((resolve) => (came = resolve));
  const { url } = await serve(() => came());
  const registry = connect(url);
  const call = refusal(registry.get('a'));
  await arrived;
  await registry[Symbol.asyncDispose]();
  expect(await call).toBe('is not asked any more: the server is shutting down.');
});

test('the token is sent as a bearer, to the path of the registry, whichever of its addresses was given', async () => {
  const seen: string[] = [];
  const { url } = await serve((request, response) => {
    seen.push(`${String(request.url)} ${String(request.headers.authorization)}`);
    response.end(JSON.stringify({ types: [] }));
  });
  for (const address of [url, `${url}/`, `${url}/api/ergon/registry/`, `${url}/below`]) await connect(address).types();
  const path = '/api/ergon/registry/types';
  expect(seen).toEqual([path, path, path, `/below${path}`].map((one) => `${one} Bearer ${token}`));
});

test.each([
  ['ftp://example.org', /^url: must be an http or https address/],
  ['http://user:pass@example.org', /^url: must be an http or https address/],
  ['http://example.org/?x', /^url: must be an http or https address/],
  ['registry', /^url: must be an http or https address/],
])('the address %s is refused, and not repeated', (url, sentence) => {
  expect(() => new HttpRegistry({ url })).toThrow(sentence);
  expect(() => new HttpRegistry({ url })).not.toThrow(/pass@/);
});

test('a token that would be two lines is refused, and not repeated', () => {
  const make = (): HttpRegistry => new HttpRegistry({ url: 'http://example.org', token: 'a\r\nX: b' });
  expect(make).toThrow('token: must be 1 to 4096 visible ASCII characters without a space.');
});
