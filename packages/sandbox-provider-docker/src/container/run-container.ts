import type { Duplex } from 'node:stream';
import { isSandboxError, SandboxError, type TtySize } from '@ergon/sandbox-core';
import type Dockerode from 'dockerode';
import { ANSWER_MS, bounded } from '../engine/bounded.js';
import type { Engine } from '../engine/engine.js';
import type { EngineStats } from '../engine/stats.js';
import { onFrames } from '../streams/framed.js';
import { saying } from './saying.js';
import type { ContainerLimits } from './config.js';
import { BEAT_MS, parseCounters, type Counters } from './holder.js';
import { HELD, holdLine, parkedShell, READY, terminalShell } from './script.js';

/** The holder answers at once unless its container has no CPU time left to give; then what it knows is not waited for. */
const COUNTERS_MS = 2000;
/** More than runc has (a Go program, with threads by the machine's CPUs). */
const RUNTIME_THREADS = 64;
/** More than the holder ever says. */
const LONGEST_WORD = 65_536;

export interface RunContainerPlan {
  readonly name: string;
  readonly config: Dockerode.ContainerCreateOptions;
  /** Of the program. */
  readonly user: number;
  /** Its holder has to be asked something from time to time. */
  readonly beats: boolean;
  /** Aborted when it is no longer wanted. */
  readonly signal?: AbortSignal | undefined;
}

/** A process in a container, with both directions of it. */
export interface ContainerExec {
  readonly id: string;
  readonly socket: Duplex;
}

interface ParkedShell extends ContainerExec {
  /** In the container. */
  readonly pid: number;
}

/**
 * The container of one program: started and with a shell that waits for the program, so that the next run begins at once. Its main
 * process is the holder, on whose connection its life depends.
 */
export class RunContainer {
  /** Resolves when the holder's connection has ended: the container has, or the engine. */
  readonly ended: Promise<void>;
  #parked: ParkedShell | null = null;
  #hasEnded = false;
  #said = '';
  /** The holder is asked one thing at a time. */
  #asking: Promise<unknown> = Promise.resolve();
  #questions = 0;
  /** Of processes, beyond the limit. */
  #room = 0;
  #wake: () => void = () => undefined;

  private constructor(
    readonly engine: Engine,
    readonly id: string,
    readonly user: number,
    private readonly holder: Duplex,
    private pids: number,
  ) {
    this.ended = new Promise((resolve) => {
      holder.once('close', () => {
        this.#hasEnded = true;
        this.#wake();
        resolve();
      });
    });
    holder.on('error', () => undefined); // 'close' follows
    holder.on('end', () => holder.destroy());
    onFrames(holder, ({ data }) => {
      this.#said += data.toString();
      if (this.#said.length > LONGEST_WORD) holder.destroy();
      this.#wake();
    });
  }

  /**
   * Once it is made, it has to be ready within a time: its image's shell is not trusted to be ever.
   *
   * @throws SandboxError; the signal's reason. Then nothing of it is left, or what is left carries its labels
   */
  static async park(engine: Engine, { name, config, user, beats, signal }: RunContainerPlan): Promise<RunContainer> {
    const id = await engine.createContainer(name, config);
    let container: RunContainer | null = null;
    try {
      return await bounded(ANSWER_MS, signal, async (over) => {
        const holder = await engine.attach(id);
        container = new RunContainer(engine, id, user, holder, config.HostConfig?.PidsLimit ?? 0);
        if (over.aborted) holder.destroy(); // nobody else knows of it any more
        over.throwIfAborted();
        await engine.start(id);
        await container.#hears('ready\n');
        if (beats) container.#beat();
        const running = container;
        container.#parked = await running.#parkShell(parkedShell, over);
        return container;
      });
    } catch (error) {
      (container as RunContainer | null)?.holder.destroy(); // which ends all waiting for its words
      await engine.removeContainer(id);
      if (signal?.aborted === true || isSandboxError(error)) throw error;
      throw new SandboxError('SANDBOX011', `The container was not ready within ${ANSWER_MS / 1000} s.`, {
        cause: error,
      });
    }
  }

  #beat(): void {
    const timer = setInterval(() => void this.counters(), BEAT_MS).unref();
    void this.ended.then(() => clearInterval(timer));
  }

  get alive(): boolean {
    return !this.#hasEnded;
  }

  /** Whether its program can begin now. While it waited it may have been ended or paused without a word on our connections. */
  async isReady(): Promise<boolean> {
    const shell = this.#parked;
    if (shell === null || this.#hasEnded) return false;
    const shellRuns = this.engine.execs.state(shell.id).then(
      (state) => state?.running === true,
      () => false, // an engine that does not answer says so to whoever asks for another
    );
    return (await this.counters()) !== null && (await shellRuns);
  }

  /** Starts a shell that waits for its program. */
  async #parkShell(command: readonly string[], over: AbortSignal, tty?: TtySize): Promise<ParkedShell> {
    return this.#withRoomToStart(async () => {
      const exec = await this.exec(command, tty);
      const [, pid] = await saying(exec.socket, READY, over);
      return { ...exec, pid: Number(pid) };
    });
  }

  /** The shell that waits. It can be taken once. */
  takeShell(): ContainerExec {
    return this.#takeParked();
  }

  #takeParked(): ParkedShell {
    const shell = this.#parked;
    if (shell === null) throw new Error('The shell of this container is taken.');
    this.#parked = null;
    return shell;
  }

  /**
   * A shell that waits, in a terminal; its line is to be written to `line`. It can be taken once, in place of the other.
   *
   * @throws SandboxError SANDBOX011; the signal's reason
   */
  async takeTerminal(
    size: TtySize,
    signal: AbortSignal,
  ): Promise<{ readonly exec: ContainerExec; readonly line: Duplex }> {
    const held = this.#takeParked();
    void this.ended.then(() => held.socket.destroy());
    return bounded(ANSWER_MS, signal, async (over) => {
      held.socket.write(holdLine);
      await saying(held.socket, HELD, over);
      const exec = await this.#parkShell(terminalShell(held.pid), over, size);
      await this.engine.execs.resize(exec.id, size);
      return { exec, line: held.socket };
    });
  }

  /** Changes limits while it runs: all of them, or none. */
  async limit(limits: ContainerLimits): Promise<void> {
    await this.engine.setLimits(this.id, { ...limits, PidsLimit: limits.PidsLimit + this.#room });
    this.pids = limits.PidsLimit;
  }

  /** Starts a process in it: what the engine's runtime starts it with has threads, which the limit counts. */
  async #withRoomToStart<Started>(start: () => Promise<Started>): Promise<Started> {
    this.#room = RUNTIME_THREADS;
    await this.engine.setPids(this.id, this.pids + this.#room);
    try {
      return await start();
    } finally {
      this.#room = 0;
      await this.engine.setPids(this.id, this.pids);
    }
  }

  /** A further process, as the program's user. */
  async exec(command: readonly string[], tty?: TtySize): Promise<ContainerExec> {
    const id = await this.engine.execs.create(this.id, {
      command,
      user: this.user,
      folder: '/workspace',
      ...(tty && { tty }),
    });
    const socket = await this.engine.execs.start(id, tty !== undefined);
    socket.on('error', () => undefined); // 'close' follows
    return { id, socket };
  }

  stats(): Promise<EngineStats> {
    return this.engine.stats(this.id);
  }

  /** The kernel's counters, as the holder reads them. Null: it could not say. */
  counters(): Promise<Counters | null> {
    const told = this.#asking.then(() => this.#askHolder());
    this.#asking = told;
    return told;
  }

  async #askHolder(): Promise<Counters | null> {
    if (this.#hasEnded) return null;
    const question = ++this.#questions;
    this.holder.write(`${question}\n`);
    try {
      return parseCounters(await this.#hears(`. ${question}\n`, COUNTERS_MS));
    } catch {
      this.#said = ''; // it ended, or has no time: a late answer is nobody's
      return null;
    }
  }

  async #hears(last: string, ms?: number): Promise<string> {
    const deadline = ms === undefined ? null : performance.now() + ms;
    for (;;) {
      if (this.#said === last || this.#said.endsWith(`\n${last}`)) {
        const said = this.#said;
        this.#said = '';
        return said;
      }
      if (this.#hasEnded) {
        const what = this.#said.replace(/[^ -~]+/g, ' ').trim();
        throw new SandboxError('SANDBOX011', `The container ended as it began: ${what || 'it said nothing'}.`);
      }
      const left = deadline === null ? null : deadline - performance.now();
      if (left !== null && left <= 0) throw new SandboxError('SANDBOX011', 'The container does not answer.');
      await new Promise<void>((resolve) => {
        const timer = left === null ? undefined : setTimeout(resolve, left);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  /**
   * Ends every process in it, in two ways, of which one works though the engine be too busy to answer: without its stdin the holder ends,
   * and all with it.
   */
  async kill(): Promise<void> {
    this.holder.end();
    const killed = this.engine.kill(this.id);
    killed.catch(() => undefined); // when it has ended before
    await Promise.race([this.ended, killed]);
  }

  /** Removes it. Harmless when it is gone. */
  async remove(): Promise<void> {
    await this.engine.removeContainer(this.id);
    this.holder.destroy();
  }
}
