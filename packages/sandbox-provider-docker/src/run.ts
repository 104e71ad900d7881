import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { SandboxError, isSandboxError, sentenceOf, unmeasuredUsage } from '@ergon/sandbox-core';
import type {
  CommandSpec,
  ExecutionEnd,
  LimitHit,
  OutputStream,
  ResourceUsage,
  SandboxLimits,
  SandboxProcess,
} from '@ergon/sandbox-core';
import { count, lastCount, limitsMet, nothingCounted, usageBetween } from './container/account.js';
import { describeEnd, parseEndWords, type SeenEnd } from './container/end.js';
import { explain, untilGone } from './container/fate.js';
import type { Counters } from './container/holder.js';
import type { ContainerExec, RunContainer } from './container/run-container.js';
import { bounded } from './engine/bounded.js';
import type { EngineEvents } from './engine/events.js';
import { onFrames } from './streams/framed.js';
import { MarkerScanner } from './streams/marker.js';
import { ProgramOutput } from './streams/output.js';

export interface RunContext {
  readonly environment: Readonly<Record<string, string>>;
  /** Those in force. */
  limits(): SandboxLimits;
  /** Of the machine. */
  readonly cpus: number;
  /** Processes of ours in the container. */
  readonly ownProcesses: number;
  readonly events: EngineEvents;
  /** What the container had used before the program began. */
  readonly before: Counters;
  /** What workspace and output hold; null: can't be told now. */
  diskBytes(): Promise<number | null>;
  /** A volume that is too large at the end. Undefined: none is. */
  volumesOver(): Promise<LimitHit | undefined>;
  /** Nothing is in /output; null: not known. */
  outputEmpty(): Promise<boolean | null>;
  /** Watches the disk; the returned function ends that. */
  watch(exceeded: (hit: LimitHit) => void, failed: (error: unknown) => void): () => void;
}

/** A last count before a kill must not hold it up, in ms; after an end there is more time for it. */
const LAST_COUNT_MS = { beforeKill: 500, afterEnd: 10_000 };
/** What is measured beside that is not waited for longer. */
const MEASURE_MS = 5000;
/** After an end that no shell told, the rest of the output is waited for so long. */
const LAST_OUTPUT_MS = 2000;
/** A kill is seen to work within this, or the engine is asked. */
const KILLED_MS = 10_000;
/** A container that is ended is known to be gone within this, or its fate is not known. */
const GONE_MS = 45_000;

/** What a line of a terminal ends with: Enter, a newline, and the key for the end. */
const LINE_ENDS: readonly number[] = [...Buffer.from('\r\n\x04')];

/** A program in its container, until both are gone. */
export class DockerRun implements SandboxProcess {
  readonly output: ProgramOutput;
  readonly gone: Promise<void>;
  readonly ended: Promise<ExecutionEnd>;
  readonly #scanners: Readonly<Record<OutputStream, MarkerScanner>>;
  readonly #stopWatching: () => void;
  #see: (seen: SeenEnd) => void = () => undefined;
  #killing: Promise<void> | null = null;
  #last: Counters = nothingCounted;
  #failedExec: number | null = null;
  #marks = 0;
  #unwatched: string | null = null;
  /** The limit of the disk was met, and told. */
  #diskHit = false;
  #goneAlready = false;
  /** Of a terminal: what was written last ends no line. */
  #inLine = false;
  #oomKilled = false;
  /** Limits that were met before they were changed. */
  #kept: readonly LimitHit[] = [];

  constructor(
    private readonly container: RunContainer,
    private readonly exec: ContainerExec,
    nonce: string,
    private readonly spec: CommandSpec,
    private readonly context: RunContext,
  ) {
    const { socket } = exec;
    this.output = new ProgramOutput(socket);
    this.#scanners = { stdout: new MarkerScanner(nonce), stderr: new MarkerScanner(nonce) };
    const seen = new Promise<SeenEnd>((resolve) => (this.#see = resolve));
    if (spec.tty === undefined) onFrames(socket, ({ stream, data }) => this.#take(stream, data));
    else socket.on('data', (data: Buffer) => this.#take('stdout', data));
    const closed = once(socket, 'close').catch(() => undefined);
    socket.once('end', () => socket.destroy());
    void closed.then(() => this.#askEngine());
    void container.ended.then(() => this.#see(this.#killing ? { by: 'kill' } : { by: 'container', reason: '' }));
    const execEnded = (id: string, code: number): void => {
      // The rest of its output, and with it its shell's word, may still be on its way.
      if (id === exec.id) void this.#lastOutput().then(() => this.#see({ by: 'engine', code }));
    };
    const listening = (): void => void this.#askEngine();
    context.events.on('execEnded', execEnded).on('listening', listening);
    this.#stopWatching = context.watch(
      (hit) => {
        this.#diskHit = true;
        spec.exceeded(hit);
      },
      (error) => {
        this.#unwatched = `A limit could no longer be watched, so the run was ended: ${sentenceOf(error)}`;
        void this.kill('SIGKILL').catch(() => undefined); // its container's end is waited for, and told
      },
    );
    const settled = seen.then((end) => this.#settleInTime(end, closed));
    this.gone = settled.then(
      () => undefined,
      () => undefined, // `ended` tells it
    );
    this.ended = settled
      .then((end) => this.#describe(end))
      .catch((error: unknown) => lost(sentenceOf(error)))
      .finally(() => {
        context.events.off('execEnded', execEnded).off('listening', listening);
        this.#goneAlready = true;
        this.#stopWatching();
        this.output.end();
        socket.destroy();
      });
  }

  #take(stream: OutputStream, data: Buffer): void {
    const { output, words } = this.#scanners[stream].push(data);
    this.output.push(stream, output);
    for (const word of words) this.#hear(word);
  }

  /** A marker in its outputs. The end's stands in both, behind the last byte that the program wrote. */
  #hear(words: string): void {
    const failed = /^F (\d+)$/.exec(words);
    if (failed !== null) this.#failedExec = Number(failed[1]);
    else if (++this.#marks === 2) {
      const told = parseEndWords(words);
      this.output.end(); // what its background processes write from now on is nobody's
      this.#see(told === null ? { by: 'engine', code: null } : { by: 'shell', ...told, failedExec: this.#failedExec });
    }
  }

  /** Its connection ended without the word of its shell, or announcements were missed. */
  async #askEngine(): Promise<void> {
    const { container, exec } = this;
    const deadline = performance.now() + LAST_OUTPUT_MS;
    for (let pause = 5; this.#marks < 2 && container.alive && !this.#goneAlready; pause = Math.min(pause * 2, 500)) {
      const state = await container.engine.execs.state(exec.id).catch(() => undefined);
      if (state === undefined) return; // the engine is gone, and with it soon the container's connection
      if (state?.running === false && state.exitCode !== null) {
        this.#see({ by: 'engine', code: state.exitCode });
        return;
      }
      if (!exec.socket.destroyed) return; // it runs, and will tell
      // It runs, and what it writes is lost: an end of which that is not known would be a lie.
      if (performance.now() > deadline) {
        this.#see({ by: 'container', reason: '' });
        return;
      }
      await delay(pause);
    }
  }

  /** @throws SandboxError when the engine leaves it open what becomes of the container */
  async #settleInTime(seen: SeenEnd, closed: Promise<unknown>): Promise<SeenEnd> {
    try {
      return await bounded(GONE_MS, undefined, () => this.#settle(seen, closed));
    } catch (error) {
      if (isSandboxError(error)) throw error;
      const message = `The Docker engine did not tell within ${GONE_MS / 1000} s that the container had ended: whether the program still runs is not known.`;
      throw new SandboxError('SANDBOX011', message, { cause: error });
    }
  }

  /** What was seen, once the container is gone. */
  async #settle(seen: SeenEnd, closed: Promise<unknown>): Promise<SeenEnd> {
    let end = seen;
    // What its shells did not tell is told by our kill, if there was one: they went with all else.
    if (this.#killing !== null && seen.by !== 'shell') end = { by: 'kill' };
    if (end.by === 'shell' || end.by === 'engine') {
      const { before, cpus } = this.context;
      const last = lastCount(this.container, before, cpus);
      this.#last = await bounded(LAST_COUNT_MS.afterEnd, undefined, () => last).catch(() => this.#last);
      // Its shells were not ended by the program, but with all else.
      if (end.by === 'engine' && !this.container.alive) end = { by: 'container', reason: '' };
      else await this.container.kill().catch(() => undefined); // whether it worked is what is waited for now
    }
    if (end.by === 'container') end = await explain(this.container);
    this.#oomKilled = await untilGone(this.container, end.by === 'container', () => this.#goneAlready);
    this.#goneAlready = true;
    this.#stopWatching();
    if (end.by !== 'shell') void this.#finishOutput(closed);
    return end;
  }

  /** What the engine still has of its output. */
  async #finishOutput(closed: Promise<unknown>): Promise<void> {
    await Promise.race([closed, this.#lastOutput()]);
    for (const stream of ['stdout', 'stderr'] as const) this.output.push(stream, this.#scanners[stream].end());
    this.output.end();
  }

  /** Waits for what may be on its way; while its reader makes it wait, no time passes. */
  async #lastOutput(): Promise<void> {
    const step = 50;
    for (let waited = 0; waited < LAST_OUTPUT_MS && !this.output.ended;) {
      await delay(step, undefined, { ref: false });
      if (!this.output.isPaused) waited += step;
    }
  }

  /** Before limits are changed: what was met until now was met under these. */
  keepHits(container: RunContainer, counters: Counters): void {
    if (container === this.container) this.#kept = this.#met(counters, false);
  }

  #met(counters: Counters, oomKilled: boolean): LimitHit[] {
    const met = limitsMet(this.context.before, counters, this.context.limits(), oomKilled);
    const known = new Set(this.#kept.map(({ limit, evidence }) => `${limit} ${evidence}`));
    return [...this.#kept, ...met.filter(({ limit, evidence }) => !known.has(`${limit} ${evidence}`))];
  }

  async #describe(seen: SeenEnd): Promise<ExecutionEnd> {
    const { before, ownProcesses } = this.context;
    const limits = this.context.limits();
    const inTime = <Value>(measure: () => Promise<Value>): Promise<Value | null> =>
      bounded(MEASURE_MS, undefined, measure).catch(() => null);
    const [diskBytes, outputEmpty, volumesOver] = await Promise.all([
      inTime(() => this.context.diskBytes()),
      inTime(() => this.context.outputEmpty()),
      inTime(() => this.context.volumesOver()),
    ]);
    const met = this.#met(this.#last, this.#oomKilled);
    if (diskBytes !== null && diskBytes > limits.diskBytes && !this.#diskHit) {
      met.push({ limit: 'disk', value: limits.diskBytes, evidence: `${diskBytes} bytes, counted at the end` });
    }
    if (volumesOver != null && !this.#diskHit) met.push(volumesOver);
    const end = describeEnd(seen, {
      program: this.spec.command[0] ?? '',
      fileBytes: limits.fileBytes,
      limitsHit: met,
      usage: usageBetween(before, this.#last, ownProcesses, diskBytes),
    });
    if (this.#unwatched !== null) return { ...end, ...lost(this.#unwatched), limitsHit: end.limitsHit };
    return outputEmpty === null || end.cause === 'lost' ? end : { ...end, outputEmpty };
  }

  async measure(): Promise<ResourceUsage> {
    const [counters, diskBytes] = await bounded(MEASURE_MS, undefined, () =>
      Promise.all([count(this.container), this.context.diskBytes()]),
    );
    if (!this.container.alive) throw new SandboxError('SANDBOX011', 'The container has ended.');
    return usageBetween(this.context.before, counters, this.context.ownProcesses, diskBytes);
  }

  /** Resolves when the engine has taken it. Input that comes after the end is nobody's, and waits for it to be told. */
  async write(data: Uint8Array): Promise<void> {
    const { socket } = this.exec;
    const last = data.at(-1);
    if (last !== undefined) this.#inLine = !LINE_ENDS.includes(last);
    const taken = await new Promise<boolean>((resolve) => socket.write(data, (error) => resolve(error == null)));
    if (!taken) await this.ended;
  }

  async closeInput(): Promise<void> {
    // A terminal's input has no end but the key for it (termios(3), VEOF). In the midst of a line that only hands over what is there.
    if (this.spec.tty !== undefined) await this.write(Buffer.from(this.#inLine ? '\x04\x04' : '\x04'));
    else this.exec.socket.end();
  }

  async resize(size: { readonly cols: number; readonly rows: number }): Promise<void> {
    await this.container.engine.execs.resize(this.exec.id, size);
  }

  async kill(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    if (this.#goneAlready) return;
    if (signal === 'SIGKILL') await (this.#killing ??= this.#killAll());
    else await this.#terminate();
  }

  async #killAll(): Promise<void> {
    const { before, cpus } = this.context;
    const counted = lastCount(this.container, before, cpus);
    const last = await Promise.race([counted, delay(LAST_COUNT_MS.beforeKill, null, { ref: false })]);
    if (last !== null && this.#last === nothingCounted) this.#last = last;
    // Of an engine that hangs nothing is heard.
    void delay(KILLED_MS, undefined, { ref: false }).then(() => this.#see({ by: 'kill' }));
    await this.container.kill();
  }

  /** To every process of the program's user. The shells above the program take no notice. */
  async #terminate(): Promise<void> {
    const { socket } = await this.container.exec(['/bin/sh', '-c', 'kill -s TERM -- -1']);
    socket.resume();
    socket.once('end', () => socket.destroy());
  }
}

function lost(reason: string): ExecutionEnd {
  return { cause: 'lost', exitCode: null, signal: null, limitsHit: [], usage: unmeasuredUsage, reason };
}
