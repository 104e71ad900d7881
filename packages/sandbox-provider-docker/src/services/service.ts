import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { SandboxError, type OutputStream, type ReportSink } from '@ergon/sandbox-core';
import type { Engine } from '../engine/engine.js';
import { unlessAborted } from '../engine/bounded.js';
import { onFrames } from '../streams/framed.js';
import { check } from './check.js';
import { healthPlan } from './health.js';
import { LineSplitter, type Line } from './lines.js';
import { serviceConfig, type ServicePlan, type ServiceSurroundings } from './plan.js';
import { throttle } from './throttle.js';

/** Without a check it is up when it has run for so long. */
const SETTLED_MS = 1000;
/** After the end of a container the last of its output comes within this. */
const LAST_OUTPUT_MS = 2000;
/** What is quoted in a sentence. */
const LAST_LINES = 10;
const LAST_CHARACTERS = 1500;

export interface ServiceSinks {
  readonly report: ReportSink;
  /** Else what is written is not even parted into lines: a service may write without end. */
  readonly takesLines: () => boolean;
  readonly line: (service: string, stream: OutputStream, line: Line) => void;
}

export interface ServiceEnd {
  readonly exitCode: number | null;
  /** A sentence. */
  readonly message: string;
}

/** One service of a sandbox, in a container that runs. */
export class Service {
  /** Its end, once it has ended and all that it wrote was told. */
  end: ServiceEnd | null = null;
  readonly #over = new AbortController();
  #tail: string[] = [];
  /** What came after those lines. */
  #rest = '';

  private constructor(
    private readonly engine: Engine,
    private readonly plan: ServicePlan,
    private readonly id: string,
    private readonly sinks: ServiceSinks,
  ) {}

  get name(): string {
    return this.plan.name;
  }

  /**
   * Makes and starts its container, and waits until it is up.
   * @throws SandboxError SANDBOX011 with its last lines when it does not come up; the signal's reason. Then what is left carries the labels.
   */
  static async launch(
    engine: Engine,
    container: string,
    plan: ServicePlan,
    around: ServiceSurroundings,
    sinks: ServiceSinks,
    signal: AbortSignal,
  ): Promise<Service> {
    const { name, config } = plan;
    sinks.report({
      type: 'service',
      service: name,
      state: 'starting',
      message: `The service "${name}" is started from "${config.image}".`,
    });
    const id = await engine.createContainer(container, serviceConfig(plan, around));
    signal.throwIfAborted();
    const service = new Service(engine, plan, id, sinks);
    const output = await engine.follow(id);
    const ended = service.#listen(output);
    try {
      await engine.start(id);
      void service.#watch(ended);
      signal.throwIfAborted();
      await service.#up(signal);
    } catch (error) {
      service.close();
      throw error;
    }
    sinks.report({ type: 'service', service: name, state: 'healthy', message: `The service "${name}" is up.` });
    return service;
  }

  /** Nothing of it is told any more. */
  close(): void {
    this.#over.abort(new Error('it is closed'));
  }

  /** @returns resolves when the output has ended */
  #listen(output: Readable): Promise<void> {
    const splitters = { stdout: new LineSplitter(), stderr: new LineSplitter() };
    const tell = (stream: OutputStream, lines: readonly Line[]): void => {
      this.#tail = [...this.#tail, ...lines.slice(-LAST_LINES).map(({ text }) => text)].slice(-LAST_LINES);
      for (const line of lines) this.sinks.line(this.name, stream, line);
    };
    onFrames(output, ({ stream, data }) => {
      if (this.#over.signal.aborted) return;
      if (this.sinks.takesLines()) {
        this.#rest = '';
        tell(stream, splitters[stream].push(data));
      } else {
        this.#rest = (this.#rest + data.subarray(-LAST_CHARACTERS).toString()).slice(-LAST_CHARACTERS);
        splitters[stream] = new LineSplitter();
      }
    });
    throttle(output);
    this.#over.signal.addEventListener('abort', () => output.destroy(), { once: true });
    return new Promise((resolve) => {
      output.on('error', () => undefined); // 'close' follows
      output.once('close', () => {
        if (!this.#over.signal.aborted)
          for (const stream of ['stdout', 'stderr'] as const) tell(stream, splitters[stream].end());
        resolve();
      });
    });
  }

  async #watch(outputEnded: Promise<void>): Promise<void> {
    const { signal } = this.#over;
    const exitCode = await this.engine.ended(this.id, signal).catch(() => null); // the engine went away, or it is closed
    await Promise.race([outputEnded, delay(LAST_OUTPUT_MS, undefined, { ref: false })]);
    const state = await this.engine.containerState(this.id).catch(() => null); // told as far as it is known
    if (signal.aborted) return;
    const { name, plan, sinks } = this;
    const how =
      exitCode === null
        ? 'is not known to run any more'
        : state?.oomKilled === true
          ? `hit its memory limit of ${Math.round(plan.config.limits.memoryBytes / 1024 ** 2)} MiB and ended with ${exitCode}`
          : `ended with ${exitCode}`;
    this.end = { exitCode, message: `The service "${name}" ${how}.` };
    this.#ended();
    sinks.report({ type: 'service', service: name, state: 'ended', ...this.end });
  }

  #ended: () => void = () => undefined;
  readonly #hasEnded = new Promise<void>((resolve) => (this.#ended = resolve));

  async #up(given: AbortSignal): Promise<void> {
    const { engine, plan, id: container } = this;
    const { test, timeoutMs, pauseMs, patienceMs } = healthPlan(plan.config.healthcheck, plan.image.healthcheck);
    const ended = new AbortController();
    void this.#hasEnded.then(() => ended.abort(new Error('it has ended')));
    const signal = AbortSignal.any([given, ended.signal]);
    const deadline = performance.now() + patienceMs;
    try {
      if (test === null) {
        await delay(SETTLED_MS, undefined, { signal });
        return;
      }
      for (;;) {
        const left = Math.max(deadline - performance.now(), SETTLED_MS);
        const command = { container, test, uid: plan.uid, timeoutMs: Math.min(timeoutMs, left), giveUpMs: left };
        const fault = await unlessAborted(check(engine, command, signal), signal);
        if (fault === null) return;
        if (performance.now() > deadline) throw this.failure(`${fault}, ${patienceMs / 1000} s after its start`);
        await delay(pauseMs, undefined, { signal });
      }
    } catch (error) {
      given.throwIfAborted();
      if (this.end === null) throw error;
      throw this.failure();
    }
  }

  /** @param why a clause; default: its end */
  failure(why?: string): SandboxError {
    const { name } = this;
    const said = why === undefined ? (this.end?.message ?? '') : `The service "${name}" is not up: ${why}.`;
    const rest = this.#rest.split('\n').filter((line) => line !== '');
    const lines = [...this.#tail, ...rest].slice(-LAST_LINES).join(' | ').slice(-LAST_CHARACTERS);
    const quoted = lines === '' ? 'It wrote nothing.' : `Its last lines: ${lines}`;
    return new SandboxError('SANDBOX011', `${said} ${quoted}`, { field: 'services' });
  }
}
