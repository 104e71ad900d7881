import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { PassThrough } from 'node:stream';
import type Dockerode from 'dockerode';
import { busybox } from './echo.js';

export interface GuestOptions {
  readonly volumes?: Readonly<Record<string, string>>;
  readonly networkMode?: string;
  readonly user?: string;
  readonly image?: string;
}

/** A shell script in a container of its own without capabilities; what it wrote, when it has ended. */
export async function guest(docker: Dockerode, script: string, options: GuestOptions = {}): Promise<string> {
  await using running = await startGuest(docker, script, options);
  return await running.output;
}

export interface RunningGuest extends AsyncDisposable {
  readonly container: Dockerode.Container;
  /** Both streams, once they have ended. */
  readonly output: Promise<string>;
}

export async function startGuest(docker: Dockerode, script: string, options: GuestOptions = {}): Promise<RunningGuest> {
  const { volumes = {}, networkMode = 'none', user = '12345:12345', image = busybox } = options;
  const container = await docker.createContainer({
    Image: image,
    Cmd: ['sh', '-c', script],
    User: user,
    Tty: true,
    HostConfig: {
      NetworkMode: networkMode,
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges'],
      Binds: Object.entries(volumes).map(([target, volume]) => `${volume}:${target}`),
    },
  });
  const stream = await container.attach({ stream: true, stdout: true, stderr: true });
  const output = stream.pipe(new PassThrough());
  const said = text(output).then((all) => all.replaceAll('\r\n', '\n'));
  await container.start();
  return {
    container,
    output: said,
    [Symbol.asyncDispose]: async () => {
      await container.remove({ force: true });
      if (!output.readableEnded) await once(output, 'close');
    },
  };
}
