import { readdirSync, readlinkSync } from 'node:fs';
import { connect } from 'node:net';
import { sandbox, TestServer } from './server.js';
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
