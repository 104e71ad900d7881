import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import type Dockerode from 'dockerode';
import { Demultiplexer } from '../../src/streams/demultiplex.js';
import { docker } from './engine.js';
import { BUSYBOX } from './server.js';

/** A container by dockerode alone, without the product's counter-measures: what an attack or an accident then does. Removed by `remove`. */
export class RawContainer {
  constructor(readonly container: Dockerode.Container) {}

  static async start(script: string, config: Dockerode.ContainerCreateOptions = {}): Promise<RawContainer> {
    const container = await docker.createContainer({
      Image: BUSYBOX,
      Entrypoint: ['/bin/sh'],
      Cmd: ['-c', script],
      Labels: { 'ergon-test': 'raw' },
      ...config,
      HostConfig: { NetworkMode: 'none', ...config.HostConfig },
    });
    await container.start();
    return new RawContainer(container);
  }

  /** Runs a command beside its main process to the end; both outputs together. */
  async exec(command: readonly string[], options: Dockerode.ExecCreateOptions = {}): Promise<string> {
    const { stream } = await this.startExec(command, options);
    let text = '';
    const demultiplexer = new Demultiplexer();
    stream.on('data', (chunk: Buffer) => {
      text += options.Tty
        ? chunk.toString()
        : demultiplexer
            .push(chunk)
            .map(({ data }) => data.toString())
            .join('');
    });
    await once(stream, 'end');
    stream.destroy();
    return text;
  }

  async startExec(
    command: readonly string[],
    options: Dockerode.ExecCreateOptions = {},
  ): Promise<{ exec: Dockerode.Exec; stream: Duplex }> {
    const exec = await this.container.exec({
      Cmd: [...command],
      AttachStdin: true,
      AttachStdout: true,
      AttachStderr: true,
      ...options,
    });
    return { exec, stream: await exec.start({ hijack: true, stdin: true, Tty: options.Tty === true }) };
  }

  async remove(): Promise<void> {
    await this.container.remove({ force: true, v: true });
  }
}
