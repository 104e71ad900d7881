import { request } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';
import { json } from 'node:stream/consumers';
import { sandbox, TestServer } from './server.js';

let server: TestServer;
let port: number;
beforeAll(async () => {
  server = await TestServer.start({
    env: { ERGON_SANDBOX_ORIGINS: 'https://app.example.org', ERGON_SANDBOX_HOSTS: 'sandbox.example.org' },
  });
  port = Number(new URL(server.url).port);
});
afterAll(() => TestServer.endAll());

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: unknown;
}

/** With the headers that a browser sends and a page cannot choose, which fetch would not let us set. */
function browser(method: string, path: string, headers: Record<string, string>, body?: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const call = request({ host: '127.0.0.1', port, method, path: sandbox(path), headers }, (response) => {
      const { statusCode: status = 0 } = response;
      const parsed = status === 204 || method === 'HEAD' ? Promise.resolve(undefined) : json(response);
      response.resume();
      parsed.then((content) => resolve({ status, headers: response.headers, body: content }), reject);
    });
    call.on('error', reject);
    call.end(body);
  });
}

test.each([
  'evil.example',
  'evil.example:8102',
  'localhost.evil.example',
  '127.0.0.1.evil.example',
  'evil.example#localhost',
  'evil@localhost',
  '192.168.0.1',
  '[::2]',
  '0.0.0.0',
])('a page that reaches the loopback under the name "%s" is refused (DNS rebinding)', async (host) => {
  for (const method of ['GET', 'POST', 'DELETE']) {
    const answer = await browser(method, '/cleanup-all', { Host: host });
    expect(answer).toMatchObject({
      status: 421,
      body: { code: 'SANDBOX008', detail: expect.stringContaining('Host') as string },
    });
  }
});

test.each([
  'localhost',
  'LOCALHOST:1',
  '127.0.0.1',
  '127.8.9.1:8102',
  '[::1]:8102',
  'sandbox.example.org',
  'Sandbox.Example.org:443',
])('the name "%s" is ours', async (host) => {
  expect((await browser('GET', '/health', { Host: host })).status).toBe(200);
});

const foreign = [
  'https://evil.example',
  'null',
  'http://localhost:3000',
  'https://app.example.org.evil.example',
  'file://',
  'x',
  '',
];

test.each(foreign)('a page of the origin "%s" may call nothing, whatever it sends', async (origin) => {
  const headers = { Host: `localhost:${port}`, Origin: origin };
  for (const [method, path, more, body] of [
    ['GET', '/health', {}, undefined],
    ['GET', '/active', {}, undefined],
    // What a page may send to any site without asking first: forms and text, by POST.
    ['POST', '/cleanup-all', {}, undefined],
    ['POST', '/test', { 'Content-Type': 'text/plain' }, '{"solution_id":"x"}'],
    ['POST', '/test', { 'Content-Type': 'application/json' }, '{"solution_id":"x"}'],
    ['DELETE', '/some', {}, undefined],
    ['OPTIONS', '/test', { 'Access-Control-Request-Method': 'POST' }, undefined],
  ] as const) {
    const answer = await browser(method, path, { ...headers, ...more }, body);
    expect([method, path, answer.status]).toEqual([method, path, 403]);
    expect(answer.body).toMatchObject({ detail: expect.stringContaining('Origin') as string });
    expect(answer.headers['access-control-allow-origin']).toBeUndefined();
  }
});

test.each(['cross-site', 'same-site'])(
  'what a %s page loads without an Origin (an image, a link, a frame) is refused',
  async (site) => {
    const headers = { Host: `localhost:${port}`, 'Sec-Fetch-Site': site };
    expect((await browser('GET', '/execute?sandbox_id=some', headers)).status).toBe(403);
    expect((await browser('POST', '/cleanup-all', headers)).status).toBe(403);
  },
);

test('the own page, an address typed in, and programs may call', async () => {
  const host = `localhost:${port}`;
  for (const headers of [
    {},
    { Origin: `http://${host}`, 'Sec-Fetch-Site': 'same-origin' },
    { 'Sec-Fetch-Site': 'same-origin' },
    { 'Sec-Fetch-Site': 'none' },
  ]) {
    const answer = await browser('GET', '/health', { Host: host, ...headers });
    expect(answer.status).toBe(200);
    expect(answer.headers['access-control-allow-origin']).toBeUndefined();
  }
  // Behind what ends TLS, the scheme differs.
  expect(
    (await browser('GET', '/health', { Host: 'sandbox.example.org', Origin: 'https://sandbox.example.org' })).status,
  ).toBe(200);
});

test('a configured origin may call, with a preflight, and reads errors too', async () => {
  const headers = { Host: `localhost:${port}`, Origin: 'https://app.example.org', 'Sec-Fetch-Site': 'cross-site' };
  const preflight = await browser('OPTIONS', '/test', {
    ...headers,
    'Access-Control-Request-Method': 'POST',
    'Access-Control-Request-Headers': 'content-type',
  });
  expect(preflight.status).toBe(204);
  expect(preflight.headers).toMatchObject({
    'access-control-allow-origin': 'https://app.example.org',
    'access-control-allow-methods': 'GET, POST, PUT, PATCH, DELETE',
    'access-control-allow-headers': 'Authorization, Content-Type, Last-Event-ID, Range, X-Request-Id',
    vary: expect.stringContaining('Origin') as string,
  });
  expect(preflight.headers['access-control-allow-credentials']).toBeUndefined();
  for (const [path, status] of [
    ['/health', 200],
    ['/results/nobody', 404],
  ] as const) {
    const answer = await browser('GET', path, headers);
    expect([answer.status, answer.headers['access-control-allow-origin']]).toEqual([status, 'https://app.example.org']);
  }
});
