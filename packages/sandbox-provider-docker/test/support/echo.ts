import { once } from 'node:events';
import type Dockerode from 'dockerode';
import { Demultiplexer } from '../../src/streams/demultiplex.js';

export const busybox = 'ergon-test/busybox:1';

/** Sends bytes to a `cat` in a container, closes that direction only, and gives back what came until the other ended. */
export async function echoed(docker: Dockerode, bytes: Buffer): Promise<{ output: Buffer; exitCode: number }> {
  const container = await docker.createContainer({
    Image: busybox,
    Cmd: ['cat'],
    OpenStdin: true,
    StdinOnce: true,
    AttachStdin: true,
    Labels: { 'ergon-test': 'connect' },
    HostConfig: { NetworkMode: 'none' },
  });
  try {
    const stream = await container.attach({ stream: true, stdin: true, stdout: true, hijack: true });
    const parts: Buffer[] = [];
    const demultiplexer = new Demultiplexer();
    stream.on('data', (chunk: Buffer) => {
      for (const { data } of demultiplexer.push(chunk)) parts.push(data);
    });
    const ended = once(stream, 'end');
    await container.start();
    stream.end(bytes);
    await ended;
    const { StatusCode } = (await container.wait()) as { StatusCode: number };
    return { output: Buffer.concat(parts), exitCode: StatusCode };
  } finally {
    await container.remove({ force: true });
  }
}
