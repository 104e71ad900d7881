import { createServer } from 'node:http';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { connect } from './connect.js';

test('what docker-modem inspects at every request stays small, however many connections there are', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ergon-opaque-'));
  const path = join(folder, 'docker.sock');
  const server = createServer((_, answer) => void setTimeout(() => answer.end('OK'), 50)).listen(path);
  await once(server, 'listening');
  const docker = connect({ address: { kind: 'socket', path }, source: 'a test' });
  await Promise.all(Array.from({ length: 20 }, () => docker.ping()));
  const { agent } = docker.modem as unknown as { agent: object };
  expect(inspect({ agent }, { showHidden: true, depth: null }).length).toBeLessThan(100);
  server.close();
  server.closeAllConnections();
  rmSync(folder, { recursive: true });
});
