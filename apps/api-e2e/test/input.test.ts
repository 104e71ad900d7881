import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { registry, sandbox, TestServer } from './server.js';
import type { Answer, Body } from './server.js';
import { execute, executionOf } from './sse.js';
import { until } from './until.js';

let server: TestServer;
let id: string;
let executionId: string;
beforeAll(async () => {
  server = await TestServer.start();
  const content = { code: 'true', main_file: 'main.sh' };
  await server.ok('POST', registry('/store'), { id: 'some', type: 'solution', name: 'n', version: '1', content });
  id = await server.openShell('echo hello');
  executionId = executionOf((await execute(server, id)).messages);
});
afterAll(() => TestServer.endAll());

/** A 4xx as a problem document whose sentence names the field. */
function expectProblem(answer: Answer, field: string, status: number | number[] = 422): void {
  expect([status].flat()).toContain(answer.status);
  expect(answer.headers.get('content-type')).toBe('application/problem+json');
  expect(answer.body).toMatchObject({
    type: expect.stringMatching(/^urn:ergon:sandbox:SANDBOX\d{3}$/) as string,
    title: expect.any(String) as string,
    status: answer.status,
    detail: expect.stringContaining(field) as string,
    code: expect.stringMatching(/^SANDBOX\d{3}$/) as string,
  });
  expect(JSON.stringify(answer.body)).not.toMatch(/node_modules|\.[jt]s:\d|\\n *at /);
}

const notText = [7, true, {}, ['x']];
const notSize = ['', 'lots', '-1m', '1.m', '4gb', ' 4g', '1e3', '2000000t', '0', 4, 4096, true, {}, []];
const notFlag = ['true', 1, 'x', {}, []];
const badTestFields: Record<string, readonly unknown[]> = {
  solution_id: [...notText, '', '../x', 'a b', 'x'.repeat(129), 'a\0b'],
  provider: [...notText, '', 'x\0', 'nobody', 'x'.repeat(600)],
  timeout: ['300', 0, -1, 86_400.1, 1e300, true, {}],
  memory_limit: notSize,
  cpu_limit: ['4', 0, -0.5, 1e9, true, {}],
  disk_limit: notSize,
  pids_limit: ['64', 0, -1, 1.5, 1e12, true],
  output_limit: [...notSize, '2g'],
  environment: [
    'A=b',
    ['A'],
    3,
    { '1A': 'x' },
    { 'A-B': 'x' },
    { '': 'x' },
    { A: 3 },
    { A: null },
    { A: 'x\0y' },
    { A: 'x'.repeat(200_000) },
  ],
  network: ['some', 3, true, {}, { allow: 'x' }, { allow: [3] }, { name: 'x', more: 1 }, ['none']],
  image: [...notText, ''],
  runtime: [...notText, ''],
  volumes: ['x', 3, {}, [3], ['']],
  gpus: ['1', 0, -1, 1.5, {}, { ids: [] }, { ids: [3] }, true],
  services: ['x', 3, ['x'], true, { db: {} }, { db: { image: 'x', ports: [] } }, { 'a b': { image: 'x' } }],
  strict: notFlag,
  run: notFlag,
};

test.each(Object.keys(badTestFields))(
  'POST /test: a bad %s is refused with a sentence that names it',
  async (field) => {
    for (const value of [...(badTestFields[field] ?? []), null]) {
      const answer = await server.call('POST', sandbox('/test'), { solution_id: 'some', [field]: value });
      expectProblem(answer, field);
      expect(answer.body.field).toMatch(new RegExp(`^${field}`));
    }
  },
);

test('POST /test: what is missing, unknown, or of an unknown solution', async () => {
  expectProblem(await server.call('POST', sandbox('/test'), {}), 'solution_id');
  expectProblem(await server.call('POST', sandbox('/test'), { solution_id: 'some', memry_limit: '1g' }), 'memry_limit');
  const unknown = await server.call('POST', sandbox('/test'), { solution_id: 'nobody' });
  expectProblem(unknown, 'nobody', 404);
  expect(unknown.body.code).toBe('SANDBOX002');
});

const badExecuteFields: Record<string, readonly unknown[]> = {
  sandbox_id: [...notText, '', '../x', 'x'.repeat(129)],
  command: ['ls', 3, {}, [], [''], [3], ['a\0'], ['x', null], Array(1025).fill('x'), ['x', 'y'.repeat(131_072)]],
  test: notFlag,
  stdin: [3, true, {}, ['x']],
  raw: notFlag,
  execution_id: [...notText, '', 'a/b', '../x', 'x'.repeat(65), 'a:1', 'first-other'],
};

test.each(Object.keys(badExecuteFields))(
  'POST /execute: a bad %s is refused with a sentence that names it',
  async (field) => {
    for (const value of [...(badExecuteFields[field] ?? []), null]) {
      expectProblem(await server.call('POST', sandbox('/execute'), { sandbox_id: id, [field]: value }), field);
    }
  },
);

test('POST /execute: what is missing, unknown, contradicts itself, or is not there', async () => {
  const call = (body: unknown): Promise<Answer> => server.call('POST', sandbox('/execute'), body);
  expectProblem(await call({}), 'sandbox_id');
  expectProblem(await call({ sandbox_id: id, comand: ['x'] }), 'comand');
  expectProblem(await call({ sandbox_id: id, command: ['true'], test: true }), 'test');
  expectProblem(await call({ sandbox_id: id, test: true }), 'test');
  expectProblem(await call({ sandbox_id: 'nobody' }), 'nobody', 404);
  const silent = await server.open({ files: { 'data.txt': 'x' } });
  expectProblem(await call({ sandbox_id: silent }), 'command');
  expectProblem(await server.call('GET', `${sandbox('/execute')}?sandbox_id=${silent}`), 'command');
});

const badQueries: [string, string, string[]][] = [
  [sandbox('/execute'), 'sandbox_id', ['', 'a b', 'x'.repeat(129)]],
  [sandbox('/history'), 'solution_id', ['', 'a b']],
  [sandbox('/history'), 'limit', ['', '0', '-1', '1001', 'x', '1.5', '1e3']],
  [sandbox('/history'), 'before', ['', 'yesterday at noon', 'a/b', '2026-13-01T00:00:00Z']],
  [sandbox('/executions/:execution/events'), 'after', ['', 'x', '-1', '1.5', 'other:1']],
  [sandbox('/results/:sandbox'), 'execution_id', ['', 'a/b']],
  [sandbox('/results/:sandbox'), 'wait', ['', '-1', 'x', '1e3', '86401']],
  [registry('/search'), 'type', ['x'.repeat(101)]],
  [registry('/search'), 'name', ['x'.repeat(201)]],
  [registry('/search'), 'limit', ['', '0', '1001', 'x']],
  [registry('/search'), 'meets_standards', ['', 'yes', '1']],
];

test.each(badQueries)('GET %s: a bad %s is refused with a sentence that names it', async (path, field, values) => {
  const url = path.replace(':execution', executionId).replace(':sandbox', id);
  for (const value of values) {
    expectProblem(await server.call('GET', `${url}?${field}=${encodeURIComponent(value)}`), field);
  }
  expectProblem(await server.call('GET', `${url}?${field}=1&${field}=2`), field);
  expectProblem(await server.call('GET', `${url}?${field}[x]=1`), field);
  expectProblem(
    await server.call('GET', `${url}${path.endsWith('/execute') ? `?sandbox_id=${id}&` : '?'}nonsense=1`),
    'nonsense',
  );
});

test('a query of a call that has none is refused by its name', async () => {
  for (const [method, path] of [
    ['GET', sandbox('/active')],
    ['GET', sandbox('/providers')],
    ['GET', sandbox('/health')],
    ['POST', sandbox('/test')],
    ['POST', sandbox('/execute')],
    ['POST', sandbox('/cleanup-all')],
    ['POST', sandbox('/some/stop')],
    ['PATCH', sandbox('/some')],
    ['DELETE', sandbox('/some')],
    ['POST', registry('/store')],
    ['GET', registry('/types')],
    ['GET', registry('/health')],
    ['GET', registry('/some')],
    ['DELETE', registry('/some')],
  ] as const) {
    expectProblem(await server.call(method, `${path}?verbose=1`), 'verbose');
  }
});

test('a path with a bad id, or one of nothing that is there', async () => {
  for (const [method, path, status] of [
    ['GET', '/results/a%20b', 422],
    ['GET', '/results/nobody', 404],
    ['DELETE', '/a%00b', 422],
    ['DELETE', '/nobody', 404],
    ['DELETE', '/%zz', 400],
    ['PATCH', '/nobody', 404],
    ['POST', '/nobody/stop', 404],
    ['POST', `/${'x'.repeat(200)}/stop`, 422],
    ['GET', '/executions/a.b/events', 422],
    ['GET', '/executions/nobody/events', 404],
    ['GET', `/results/${id}?execution_id=nobody`, 404],
  ] as const) {
    const answer = await server.call(method, sandbox(path), method === 'PATCH' ? {} : undefined);
    expect([path, answer.status]).toEqual([path, status]);
    expectProblem(answer, '', status);
  }
  expectProblem(await server.call('GET', registry('/nobody')), 'nobody', 404);
  expectProblem(await server.call('DELETE', registry('/nobody')), 'nobody', 404);
  expectProblem(await server.call('GET', registry('/a%2Fb')), 'id');
});

test.each([
  ['/results/', 'sandbox_id'],
  ['/ws/', 'sandbox_id'],
  ['/executions/', 'execution_id'],
])('GET %s without an id, as of a variable that is not set, says that it is missing', async (path, field) => {
  const answer = await server.call('GET', sandbox(path));
  expectProblem(answer, `${field}: is missing`);
  expect(answer.body.field).toBe(field);
});

test('PATCH /{sandbox_id}: bad limits by their names, and what the provider cannot change is refused', async () => {
  for (const field of ['timeout', 'memory_limit', 'cpu_limit', 'disk_limit', 'pids_limit', 'output_limit']) {
    expectProblem(await server.call('PATCH', sandbox(`/${id}`), { [field]: 'x' }), field);
  }
  expectProblem(await server.call('PATCH', sandbox(`/${id}`), { speed: 1 }), 'speed');
  const answer = await server.call('PATCH', sandbox(`/${id}`), { timeout: 60, disk_limit: '2g' });
  expectProblem(answer, 'disk_limit: sandbox-exec does not change it on a live sandbox.');
  expect(answer.body.code).toBe('SANDBOX009');
});

const badUnitFields: Record<string, readonly unknown[]> = {
  id: [...notText, '', '../x', 'search', 'x'.repeat(129)],
  type: [...notText, '', ' ', 'x'.repeat(101), 'a\nb'],
  name: [...notText, '', 'x'.repeat(201), 'a\0b'],
  version: [...notText, '', 'x'.repeat(101)],
  content: ['code', 3, [], true],
  meets_standards: notFlag,
  lineage: ['x', 3, {}, [3], ['../x'], Array(257).fill('x')],
  source: [3, true, ['x']],
  metadata: ['x', 3, [], true],
};

test.each(Object.keys(badUnitFields))(
  'POST /store: a bad %s is refused with a sentence that names it',
  async (field) => {
    const unit = { type: 'solution', name: 'n', version: '1', content: {} };
    for (const value of badUnitFields[field] ?? []) {
      expectProblem(await server.call('POST', registry('/store'), { ...unit, [field]: value }), field);
    }
    if (field in unit)
      expectProblem(await server.call('POST', registry('/store'), { ...unit, [field]: undefined }), field);
  },
);

const badContent: [string, readonly unknown[]][] = [
  ['code', [3, {}]],
  ['main_file', [3, '', '../x', '/x', 'a//b', 'a\\b', './x', 'a\0']],
  ['files', ['x', ['x'], { '../x': 'y' }, { '/x': 'y' }, { 'a/./b': 'y' }, { x: 3 }, { a: 'x', 'a/b': 'y' }]],
  ['run_command', ['python main.py', [], [''], [3]]],
  ['test_command', ['x', [], [3]]],
  ['requirements', [3, [3], {}]],
  ['requires_network', ['yes', 1]],
  ['requires_gpu', ['yes', 1]],
  ['requires_persistence', ['yes', 1]],
  ['platform', [3, '']],
  ['memory_limit', notSize],
  ['cpu_limit', ['x', 0]],
  ['timeout', ['x', 0, 86_401]],
  ['environment', ['x', { '1': 'x' }, { A: 3 }]],
  ['image', [3, '']],
  ['services', ['x', 3, { db: {} }, { db: { image: 'x', ports: [] } }]],
];

test.each(badContent)("POST /test: a solution's bad content.%s is named", async (field, values) => {
  for (const [number, value] of values.entries()) {
    const solution = `bad-${field}-${number}`;
    const content = { code: 'true', main_file: 'main.sh', [field]: value };
    await server.ok('POST', registry('/store'), { id: solution, type: 'solution', name: 'n', version: '1', content });
    expectProblem(await server.call('POST', sandbox('/test'), { solution_id: solution }), `content.${field}`);
  }
});

test.each<[string, Record<string, unknown>, Record<string, unknown>]>([
  ['network', { requires_network: true }, {}],
  ['content.requirements', { requirements: ['requests'] }, {}],
  ['services', { services: { db: { image: 'postgres' } } }, {}],
  ['content.services.db.environment.A', { services: { db: { image: 'x', environment: { A: '${B}' } } } }, {}],
  ['content.environment.KEY', { environment: { KEY: '${ERGON_API_KEY}' } }, {}],
  ['environment.KEY', {}, { environment: { KEY: 'x${HOME}y' } }],
  ['services', {}, { services: { db: { image: 'postgres' } } }],
  ['network', {}, { network: 'full' }],
  ['network', {}, { network: { allow: ['example.org'] } }],
  ['network', {}, { network: { name: 'lab' } }],
  ['image', {}, { image: 'python:3' }],
  ['gpus', {}, { gpus: 1 }],
  ['volumes', {}, { volumes: ['cache'] }],
  ['platform', { platform: 'darwin' }, {}],
])('POST /test: %s is not supported, never ignored', async (field, content, request) => {
  const { id: solution } = await server.ok('POST', registry('/store'), {
    type: 'solution',
    name: 'n',
    version: '1',
    content: { code: 'true', main_file: 'main.sh', ...content },
  });
  for (const provider of [{}, { provider: 'sandbox-exec' }]) {
    const answer = await server.call('POST', sandbox('/test'), { solution_id: solution, ...request, ...provider });
    // Where no provider is named, all of them were asked: 503 with the reason of each.
    expect([422, 503]).toContain(answer.status);
    expect(answer.body.code).toBe(answer.status === 422 ? 'SANDBOX009' : 'SANDBOX001');
  }
  const named = await server.call('POST', sandbox('/test'), {
    solution_id: solution,
    ...request,
    provider: 'sandbox-exec',
  });
  expectProblem(named, '', 422);
  expect(named.body.code).toBe('SANDBOX009');
  expect(`${named.body.field} ${named.body.detail}`.toLowerCase()).toContain(field.split('.').at(-1)?.toLowerCase());
});

describe('bodies', () => {
  const raw = async (body: string | Buffer, headers: Record<string, string>): Promise<Answer> => {
    const response = await server.fetch(sandbox('/test'), { method: 'POST', body, headers });
    return { status: response.status, headers: response.headers, body: (await response.json()) as Body };
  };
  const json = { 'Content-Type': 'application/json' };

  test.each<[string, string | Buffer, Record<string, string>, number, string]>([
    ['no JSON', '{"a":', json, 400, 'not JSON'],
    ['a word', 'hello', json, 400, 'not JSON'],
    ['a number', '7', json, 400, 'not JSON'],
    ['a list', '[]', json, 422, 'The input'],
    ['nothing', '', json, 422, 'solution_id'],
    ['bytes that are no UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), json, 400, 'UTF-8'],
    ['another charset', '{}', { 'Content-Type': 'application/json; charset=latin1' }, 415, 'UTF-8'],
    ['UTF-16', Buffer.from('{}', 'utf16le'), { 'Content-Type': 'application/json; charset="utf-16"' }, 415, 'UTF-8'],
    ['UTF-7', '{}', { 'Content-Type': 'application/json;charset=utf-7' }, 415, 'UTF-8'],
    ['text', '{}', { 'Content-Type': 'text/plain' }, 415, 'Content-Type'],
    ['a form', 'a=b', { 'Content-Type': 'application/x-www-form-urlencoded' }, 415, 'Content-Type'],
    ['a type that is none', '{}', { 'Content-Type': 'json' }, 415, 'Content-Type'],
    ['gzip', '{}', { ...json, 'Content-Encoding': 'gzip' }, 415, 'Content-Encoding'],
    ['2 MiB', JSON.stringify({ solution_id: 'x'.repeat(2 << 20) }), json, 413, '1048576 bytes'],
  ])('%s is refused', async (_case, body, headers, status, sentence) => {
    expectProblem(await raw(body, headers), sentence, status);
  });

  test('fields named __proto__ and deep nesting are refused, and harm nothing', async () => {
    expectProblem(await raw('{"solution_id":"x","__proto__":{"run":true}}', json), '__proto__', [404, 422]);
    const deep = `{"type":"t","name":"n","version":"1","content":{"a":${'['.repeat(50_000)}${']'.repeat(50_000)}}}`;
    expectProblem(await server.call('POST', registry('/store'), deep), 'content');
    expectProblem(
      await raw(`{"solution_id":"x","services":{"a":${'['.repeat(50_000)}${']'.repeat(50_000)}}}`, json),
      '',
      [404, 422],
    );
  });

  test('UTF-8 may be named in any way', async () => {
    for (const charset of ['utf-8', 'UTF-8', 'utf8', '"utf-8"', 'utf-8; x=y']) {
      const answer = await raw('{}', { 'Content-Type': `application/json; charset=${charset}` });
      expectProblem(answer, 'solution_id');
    }
  });

  test('a body that is too large is answered before it has come, and then the connection ends', async () => {
    const send = async (body: string): Promise<string> => {
      const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
      socket.write(`POST ${sandbox('/test')} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n${body}`);
      return text(socket);
    };
    const begun = performance.now();
    const answer = /^HTTP\/1\.1 413 [^]*1048576 bytes/;
    expect(await send('Content-Length: 1073741824\r\n\r\n')).toMatch(answer);
    const chunk = `100000\r\n${' '.repeat(1 << 20)}\r\n`;
    expect(await send(`Transfer-Encoding: chunked\r\n\r\n${chunk}${chunk}`)).toMatch(answer);
    expect(performance.now() - begun).toBeLessThan(30_000);
  });

  test('a body that ends too early is no body', async () => {
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
    socket.end(
      `POST ${sandbox('/test')} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{}`,
    );
    expect(await text(socket)).toMatch(/^(HTTP\/1\.1 400 [^]*)?$/);
  });

  test('millions of small values are refused before they are parsed', async () => {
    const unit = (content: string): string => `{"type":"t","name":"n","version":"1","content":${content}}`;
    const keys = Array.from({ length: 1_200_000 }, (_, number) => `"${number.toString(16)}":1`).join(',');
    for (const content of [`{${keys}}`, `{"a":[${Array(5_000_000).fill('[]').join(',')}]}`]) {
      const begun = performance.now();
      expectProblem(await server.call('POST', registry('/store'), unit(content)), '100000 values');
      expect(performance.now() - begun).toBeLessThan(3000);
    }
    expectProblem(
      await server.call(
        'POST',
        sandbox('/execute'),
        `{"sandbox_id":"x","command":[${Array(200_000).fill(1).join(',')}]}`,
      ),
      '100000 values',
    );
    const commas = { files: { 'a.txt': '[{,"\\'.repeat(200_000) } };
    await server.ok('POST', registry('/store'), unit(JSON.stringify(commas)));
  });

  test('calls without fields take no body, or an empty object', async () => {
    expectProblem(await server.call('POST', sandbox(`/${id}/stop`), { force: true }), 'body');
    expectProblem(await server.call('POST', sandbox('/cleanup-all'), 'x'), 'JSON', 400);
    expect((await server.call('POST', sandbox(`/${id}/stop`), {})).status).toBe(200);
  });
});

test('a method that a path does not have is 405 and names those that it has; a path that is nothing 404', async () => {
  for (const [method, path, allow] of [
    ['GET', sandbox('/test'), 'POST'],
    ['DELETE', sandbox('/execute'), 'POST, GET'],
    ['POST', sandbox('/health'), 'GET, HEAD'],
    ['PUT', sandbox('/active'), 'GET, HEAD'],
    ['GET', sandbox(`/${id}`), 'DELETE, PATCH'],
    ['GET', sandbox('/cleanup-all'), 'POST'],
    ['GET', registry('/store'), 'POST'],
    ['PUT', registry('/some'), 'GET, DELETE, HEAD'],
  ] as const) {
    const answer = await server.call(method, path);
    expectProblem(answer, method, 405);
    expect(answer.headers.get('allow')).toBe(allow);
  }
  for (const path of ['/', '/api', sandbox('/a/b/c'), sandbox(''), registry('/a/b'), '/api/ergon/sandbox/../../x']) {
    expectProblem(await server.call('GET', path), 'nothing at', 404);
  }
});

async function send(request: string): Promise<string> {
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
  socket.write(request);
  return text(socket);
}

test('what is no HTTP, or has too large headers, is a problem document too', async () => {
  expect(await send('hello\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 [^]*application\/problem\+json[^]*"code":"SANDBOX008"/);
  expect(await send('GET / HTTP/1.1\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /);
  expect(await send('GET / HTTP/1.0\r\n\r\n')).toMatch(/^HTTP\/1\.1 421 /);
  expect(await send(`GET / HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`)).toMatch(
    /^HTTP\/1\.1 431 [^]*"status":431/,
  );
  const [, id] = /\r\nX-Request-Id: ([0-9a-f-]{36})\r\n/.exec(await send('hello\r\n\r\n')) ?? [];
  expect(server.log).toContainEqual(
    expect.objectContaining({ request_id: id, status: 400, reason: 'HPE_INVALID_METHOD' }),
  );
});

test('two Hosts, and an expectation that is none of ours, are refused', async () => {
  const health = (headers: string): Promise<string> =>
    send(`GET ${sandbox('/health')} HTTP/1.1\r\nConnection: close\r\nHost: localhost\r\n${headers}\r\n`);
  expect(await health('')).toMatch(/^HTTP\/1\.1 200 /);
  expect(await health('Host: example.org\r\n')).toMatch(/^HTTP\/1\.1 400 [^]*Host: must be given once/);
  expect(await health('Host: localhost\r\n')).toMatch(/^HTTP\/1\.1 400 /);
  expect(await health('Expect: x\r\n')).toMatch(
    /^HTTP\/1\.1 417 [^]*X-Request-Id: [^]*problem\+json[^]*Expect: must be/,
  );
});

test('what is no HTTP, sent while an answer comes, cuts that off and never stands in it', async () => {
  const running = await server.openShell('echo begun; sleep 60', { run: true });
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
  socket.write(`GET ${sandbox('/execute')}?sandbox_id=${running} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  let answer = '';
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    answer += chunk.toString();
    if (answer.includes('begun')) socket.write('garbage\r\n\r\n');
  }
  expect(answer).toMatch(/^HTTP\/1\.1 200 [^]*begun/);
  expect(answer).not.toContain(' 400 ');
  await server.ok('DELETE', sandbox(`/${running}`));
});

test('more than a thousand connections are refused, and the server goes on', async () => {
  const port = Number(new URL(server.url).port);
  const sockets = Array.from({ length: 1100 }, () => connect(port, '127.0.0.1').on('error', () => undefined));
  await until(() => sockets.filter((socket) => socket.destroyed).length >= 100);
  expect(sockets.filter((socket) => !socket.destroyed).length).toBeGreaterThan(900);
  expect(server.log).toContainEqual(expect.objectContaining({ level: 'warn', max_connections: 1000 }));
  for (const socket of sockets) socket.destroy();
  await until(() =>
    server.call('GET', sandbox('/health')).then(
      ({ status }) => status === 200,
      () => false,
    ),
  );
});

test('after all of that the server works, and not one answer was a 500', async () => {
  expect((await server.ok('GET', sandbox('/health'))).status).toBe('healthy');
  const statuses = server.log.flatMap((line) => (typeof line.status === 'number' ? [line.status] : []));
  expect(statuses.length).toBeGreaterThan(300);
  expect(statuses.filter((status) => status >= 500 && status !== 503)).toEqual([]);
});
