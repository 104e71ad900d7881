import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import type Dockerode from 'dockerode';
import { busybox } from './echo.js';

export interface GuestOptions {
  readonly volumes?: Readonly<Record<string, string>>;
  readonly networkMode?: string;
  readonly user?: string;
  readonly image?: string;
  readonly capabilities?: readonly string[];
}

export interface RunningGuest extends AsyncDisposable {
  readonly container: Dockerode.Container;
  /** Both streams, once they have ended. */
  readonly output: Promise<string>;
  says(word: string): Promise<void>;
}

/** A shell script in a container of its own without capabilities; what it wrote, when it has ended. */
export async function guest(docker: Dockerode, script: string, options: GuestOptions = {}): Promise<string> {
  await using running = await startGuest(docker, script, options);
  return await running.output;
}

/** @param words `$0` and so on of the script */
export async function startGuest(
  docker: Dockerode,
  script: string,
  options: GuestOptions = {},
  ...words: string[]
): Promise<RunningGuest> {
  const { volumes = {}, networkMode = 'none', user = '12345:12345', image = busybox, capabilities = [] } = options;
  const container = await docker.createContainer({
    Image: image,
    Cmd: ['sh', '-c', script, ...words],
    User: user,
    Tty: true,
    HostConfig: {
      NetworkMode: networkMode,
      CapDrop: ['ALL'],
      CapAdd: [...capabilities],
      SecurityOpt: ['no-new-privileges'],
      Binds: Object.entries(volumes).map(([target, volume]) => `${volume}:${target}`),
    },
  });
  const stream = await container.attach({ stream: true, stdout: true, stderr: true });
  const output = stream.pipe(new PassThrough());
  let said = '';
  output.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const all = text(output).then((written) => written.replaceAll('\r\n', '\n'));
  await container.start();
  return {
    container,
    output: all,
    says: async (word) => {
      while (!said.includes(word)) {
        if (output.readableEnded) throw new Error(`It ended without "${word}": ${said}`);
        await Promise.race([once(output, 'data'), once(output, 'end')]);
      }
    },
    [Symbol.asyncDispose]: async () => {
      await container.remove({ force: true });
      if (!output.readableEnded) await once(output, 'close');
    },
  };
}
