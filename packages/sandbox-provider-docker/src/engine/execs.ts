import type { Duplex } from 'node:stream';
import type Dockerode from 'dockerode';
import { ask, unlessMissing } from './asking.js';
import { ANSWER_MS, MAKE_MS } from './bounded.js';

export interface ExecState {
  readonly running: boolean;
  /** Null: not ended. */
  readonly exitCode: number | null;
}

export interface ExecCommand {
  readonly command: readonly string[];
  readonly user: number;
  /** Where it begins. Default: where the container's main process did. */
  readonly folder?: string;
  readonly tty?: { readonly cols: number; readonly rows: number };
}

/** Processes in running containers, beside their main ones. All throw EngineFailure (SANDBOX011). */
export class EngineExecs {
  constructor(private readonly docker: Dockerode) {}

  /** A further process in a running container, not started. */
  async create(containerId: string, { command, user, folder, tty }: ExecCommand): Promise<string> {
    const exec = await ask('prepare a process in a container', ANSWER_MS, undefined, () =>
      this.docker.getContainer(containerId).exec({
        Cmd: [...command],
        User: `${user}:${user}`,
        ...(folder !== undefined && { WorkingDir: folder }),
        AttachStdin: true,
        AttachStdout: true,
        AttachStderr: true,
        Tty: tty !== undefined,
        ...(tty && { ConsoleSize: [tty.rows, tty.cols] as [number, number] }), // engines before API 1.42 pass over it
      }),
    );
    return exec.id;
  }

  /** Starts it; both directions of it, framed unless it has a terminal. */
  async start(execId: string, tty: boolean): Promise<Duplex> {
    return ask('start a process in a container', MAKE_MS, undefined, () =>
      this.docker.getExec(execId).start({ hijack: true, stdin: true, Tty: tty }),
    );
  }

  async resize(execId: string, { cols, rows }: { cols: number; rows: number }): Promise<void> {
    await ask('set the size of a terminal', ANSWER_MS, undefined, () =>
      this.docker.getExec(execId).resize({ w: cols, h: rows }),
    );
  }

  /** Null: the engine does not know it (any more). */
  async state(execId: string): Promise<ExecState | null> {
    return unlessMissing(async () => {
      const { Running, ExitCode } = await ask('look at a process', ANSWER_MS, undefined, (abortSignal) =>
        this.docker.getExec(execId).inspect({ abortSignal }),
      );
      return { running: Running, exitCode: ExitCode };
    });
  }
}
