import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Dockerode from 'dockerode';
import { Engine } from './engine.js';
import { EngineEvents } from './events.js';

test('announcements are heard over cuts in the midst of a line, and each silence and return is told', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ergon-events-'));
  const path = join(folder, 'docker.sock');
  const streams: ServerResponse[] = [];
  const server = createServer((_, answer) => {
    answer.writeHead(200);
    answer.flushHeaders();
    streams.push(answer);
  }).listen(path);
  await once(server, 'listening');
  const events = new EngineEvents(new Engine(new Dockerode({ socketPath: path })));
  const heard: unknown[] = [];
  events.on('execEnded', (id, code) => heard.push([id, code])).on('images', () => heard.push('images'));
  const listening = once(events, 'listening');
  events.start();
  await listening;
  const [silent, again] = [once(events, 'silent'), once(events, 'images')];
  streams[0]?.write(
    '{"Type":"container","Action":"exec_die","Actor":{"Attributes":{"execID":"e1","exitCode":"3"}}}\n{"Ty',
  );
  await once(events, 'execEnded');
  streams[0]?.destroy();
  await silent;
  await once(events, 'listening');
  streams[1]?.write('{"Type":"image","Action":"tag"}\n');
  await again;
  expect(heard).toEqual([['e1', 3], 'images']);
  events.stop();
  server.close();
  server.closeAllConnections();
  rmSync(folder, { recursive: true });
});
