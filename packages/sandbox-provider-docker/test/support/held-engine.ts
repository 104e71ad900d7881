import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createConnection, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface HeldEngine extends AsyncDisposable {
  /** Path of its socket. */
  readonly socket: string;
}

/** The engine of the tests behind a socket of its own, which never answers a call to this path. */
export async function heldEngine(path: string): Promise<HeldEngine> {
  const folder = mkdtempSync(join(tmpdir(), 'ergon-held-'));
  const socket = join(folder, 'engine.sock');
  const target = (process.env.DOCKER_HOST ?? '').replace(/^unix:\/\//, '');
  const open = new Set<Socket>();
  const server = createServer((client) => {
    const engine = createConnection(target);
    for (const end of [client, engine]) {
      open.add(end);
      end
        .on('error', () => undefined)
        .on('close', () => {
          client.destroy();
          engine.destroy();
        });
    }
    engine.pipe(client);
    client.on('data', (chunk: Buffer) => {
      if (chunk.toString('latin1').includes(path)) client.pause();
      else engine.write(chunk);
    });
  });
  server.listen(socket);
  await once(server, 'listening');
  return {
    socket,
    [Symbol.asyncDispose]: async () => {
      for (const end of open) end.destroy();
      server.close();
      await once(server, 'close');
      rmSync(folder, { recursive: true });
    },
  };
}
