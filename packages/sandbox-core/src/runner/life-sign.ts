import { once } from 'node:events';
import { open, rm } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { hasErrorCode } from '../contract/error.js';

/** The longest path of a socket, in bytes, on every system (unix(7): 108 with a NUL; macOS: 104). */
const maxSocketPath = 100;

/** A socket in a data folder that answers while its server lives, to whoever shares the folder and the kernel. */
export function signName(instanceId: string): string {
  return `.alive-${instanceId}`;
}

export async function raiseSign(dataDir: string, instanceId: string): Promise<{ close(): Promise<void> }> {
  return withSocketPath(dataDir, instanceId, async (path) => {
    const server = createServer((socket) => socket.destroy());
    server.unref();
    server.listen(path);
    await once(server, 'listening');
    return {
      close: async () => {
        await new Promise((resolve) => server.close(resolve));
        await rm(join(dataDir, signName(instanceId)), { force: true });
      },
    };
  });
}

export function signAnswers(dataDir: string, instanceId: string): Promise<boolean> {
  return withSocketPath(dataDir, instanceId, async (path) => {
    const socket = connect(path);
    try {
      await once(socket, 'connect');
      return true;
    } catch (error) {
      if (hasErrorCode(error, 'ENOENT') || hasErrorCode(error, 'ECONNREFUSED')) return false;
      throw error;
    } finally {
      socket.destroy();
    }
  });
}

/** A path that is too long for a socket is reached through a descriptor of its folder. */
async function withSocketPath<T>(dataDir: string, instanceId: string, use: (path: string) => Promise<T>): Promise<T> {
  const path = join(dataDir, signName(instanceId));
  if (Buffer.byteLength(path) <= maxSocketPath || process.platform !== 'linux') return use(path);
  const folder = await open(dataDir, 'r');
  try {
    return await use(`/proc/self/fd/${String(folder.fd)}/${signName(instanceId)}`);
  } finally {
    await folder.close();
  }
}
