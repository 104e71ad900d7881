import { readdirSync, readlinkSync } from 'node:fs';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import type { AddressInfo } from 'node:net';
import { registry, sandbox, TestServer } from './server.js';
import { execute, executionOf } from './sse.js';
import { until } from './until.js';

afterEach(() => TestServer.endAll());

/** Asks, and is gone before the answer. */
function askAndLeave(server: TestServer, ...paths: string[]): void {
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
  const requests = paths.map((path) => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`).join('');
  socket.write(requests, () => socket.destroy());
}

/** Files of executions that the server has open. */
function openLogs(server: TestServer): string[] {
  const folder = `/proc/${String(server.process.pid)}/fd`;
  return readdirSync(folder).flatMap((name) => {
    try {
      const target = readlinkSync(`${folder}/${name}`);
      return target.includes('/executions/') ? [target] : [];
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []; // closed meanwhile
      throw error;
    }
  });
}

test('clients that leave before their answer begins leave nothing open, and hold no shutdown up', async () => {
  const server = await TestServer.start();
  const id = await server.openShell('yes "a line that fills the buffers of a connection" | head -c 8000000');
  const execution = executionOf((await execute(server, id)).messages);
  await server.ok('DELETE', sandbox(`/${id}`));
  const follow = `${sandbox('/execute')}?sandbox_id=${id}`;
  const events = sandbox(`/executions/${execution}/events`);
  for (let count = 0; count < 30; count += 1) {
    askAndLeave(server, follow);
    askAndLeave(server, events);
    askAndLeave(server, sandbox(`/results/${id}`));
    askAndLeave(server, follow, events, follow); // the later ones wait for the first on their connection
  }
  const asked = (): number => server.log.filter(({ message }) => message.startsWith(`GET ${sandbox('')}`)).length;
  await until(() => asked() >= 120);
  await until(() => openLogs(server).length === 0);
  const begun = performance.now();
  expect(await server.stop()).toBe(0);
  expect(performance.now() - begun).toBeLessThan(4000);
  expect(server.errors).toBe('');
});

test('who asks for a sandbox and leaves before the answer leaves none, nor what it was to run', async () => {
  const store = await TestServer.start();
  const content = { code: 'sleep 600', main_file: 'main.sh' };
  await store.ok('POST', registry('/store'), { id: 'hello', type: 'solution', name: 'hello', version: '1', content });
  /** Passes on what is stored there, once it may. */
  let mayPass = (): void => undefined;
  let gate = Promise.resolve();
  const slow = createServer((request, response) => {
    void gate.then(async () => {
      const answer = await fetch(store.url + String(request.url));
      response.writeHead(answer.status, { 'Content-Type': 'application/json' }).end(await answer.text());
    });
  }).listen(0, '127.0.0.1');
  await until(() => slow.listening);
  const server = await TestServer.start({
    env: { ERGON_SANDBOX_REGISTRY_URL: `http://127.0.0.1:${String((slow.address() as AddressInfo).port)}` },
  });
  try {
    const request = { solution_id: 'hello', run: true };
    const here = await server.ok('POST', sandbox('/test'), request);
    gate = new Promise((resolve) => (mayPass = resolve));
    const body = JSON.stringify(request);
    const head = `POST ${sandbox('/test')} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json`;
    const left = (): number => server.log.filter(({ aborted }) => aborted === true).length;
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
    socket.write(`${head}\r\nContent-Length: ${String(body.length)}\r\n\r\n${body}`, () => socket.destroy());
    await until(() => left() === 1, 30_000);
    mayPass();
    await until(() => server.log.some(({ message }) => message.startsWith('A sandbox is removed: ')), 30_000);
    await until(async () => (await server.list(sandbox('/active'))).length === 1, 30_000);
    expect(await server.list(sandbox('/active'))).toMatchObject([{ sandbox_id: here.sandbox_id }]);
    await until(async () => (await server.list(sandbox('/history')))[0]?.status === 'stopped', 30_000);
    expect(await server.list(sandbox('/history'))).toMatchObject([{ status: 'stopped' }, { status: 'running' }]);
  } finally {
    mayPass();
    await server.stop();
    slow.close();
  }
  expect(server.errors).toBe('');
});
