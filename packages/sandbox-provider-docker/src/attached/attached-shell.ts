import type { Duplex } from 'node:stream';
import { isSandboxError, SandboxError } from '@ergon/sandbox-core';
import type Dockerode from 'dockerode';
import { ANSWER_MS, bounded } from '../engine/bounded.js';
import { Engine } from '../engine/engine.js';
import { hasStatus } from '../engine/errors.js';
import { onFrames } from '../streams/framed.js';
import { attachedConfig, type AttachedPlan } from './plan.js';

/** Longer answers are no answers. */
const LONGEST_LINE = 64 * 1024;
/** What it may say to one question, complaints of files that go away meanwhile included. */
const LONGEST_ANSWER = 16 << 20;

interface Question {
  readonly resolve: (line: string) => void;
  readonly reject: (error: unknown) => void;
}

/** The script of an attached container, spoken to line by line: a line in, a line out. */
export class AttachedShell {
  readonly #questions: Question[] = [];
  #stream: Duplex | undefined;
  #out = '';
  #complaint = '';
  /** Bytes, since the last question. */
  #said = 0;
  #failure: SandboxError | undefined;

  private constructor(
    private readonly engine: Engine,
    readonly container: Dockerode.Container,
    private readonly plan: AttachedPlan,
    private readonly what: string,
  ) {}

  /**
   * Makes the container; it does not run yet.
   *
   * @param what it is, for sentences: `The container that …`
   * @throws SandboxError SANDBOX001 for an image that is not there, SANDBOX011
   */
  static async create(docker: Dockerode, name: string, plan: AttachedPlan, what: string): Promise<AttachedShell> {
    const engine = new Engine(docker);
    try {
      const image = await engine.image(plan.image);
      const id = await engine.createContainer(name, attachedConfig(plan, image?.environment ?? []));
      return new AttachedShell(engine, docker.getContainer(id), plan, what);
    } catch (error) {
      if (!hasStatus(error, 404)) throw error;
      throw new SandboxError(
        'SANDBOX001',
        `${what} needs the image "${plan.image}", which is not there. Get it with "docker pull ${plan.image}".`,
        { cause: error },
      );
    }
  }

  /** What the script said to stderr, as lines that are complete. Read by who knows which of them matter. */
  onComplaint: (line: string) => void = () => undefined;

  /** @throws SandboxError SANDBOX001 for an image without sh, SANDBOX011 */
  async start(): Promise<void> {
    const stream = await this.engine.attach(this.container.id);
    this.#stream = stream;
    this.#listen(stream);
    try {
      await this.engine.start(this.container.id);
    } catch (error) {
      // runc's words, which the engine passes on.
      if (!/executable file not found|no such file or directory/.test(String(error))) throw error;
      throw new SandboxError(
        'SANDBOX001',
        `${this.what} needs "/bin/sh", which the image "${this.plan.image}" does not have.`,
        { cause: error },
      );
    }
  }

  /** It was started and has not ended. */
  get alive(): boolean {
    return this.#stream !== undefined && this.#failure === undefined;
  }

  /**
   * The script's line in answer to this one. Questions are answered in their order.
   *
   * @param signal ends the waiting, not the script's work
   * @throws SandboxError SANDBOX011 when the script ends before, or does not answer in its time; the signal's reason
   */
  async ask(line: string, signal?: AbortSignal): Promise<string> {
    signal?.throwIfAborted();
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#stream === undefined) throw new SandboxError('SANDBOX011', `${this.what} was not started.`);
    this.#said = 0;
    this.#stream.write(`${line}\n`);
    const answer = new Promise<string>((resolve, reject) => this.#questions.push({ resolve, reject }));
    try {
      return await bounded(ANSWER_MS, signal, () => answer);
    } catch (error) {
      if (signal?.aborted === true || isSandboxError(error)) throw error;
      throw new SandboxError('SANDBOX011', `${this.what} did not answer within ${ANSWER_MS / 1000} s.`, {
        cause: error,
      });
    }
  }

  /** Ends and removes it. Safe to call twice. */
  async close(): Promise<void> {
    this.#fail(new SandboxError('SANDBOX011', `${this.what} was closed.`));
    this.#stream?.destroy();
    await this.engine.removeContainer(this.container.id);
  }

  #listen(stream: Duplex): void {
    onFrames(stream, ({ stream: from, data }) => {
      if (this.#failure !== undefined) return;
      this.#said += data.length;
      if (this.#said > LONGEST_ANSWER) this.#endless(stream);
      else if (from === 'stdout') this.#takeOutput(data.toString(), stream);
      else this.#takeComplaint(data.toString());
    });
    const ended = (error?: Error): void => {
      const said = this.#complaint.trim();
      this.#fail(
        new SandboxError('SANDBOX011', `${this.what} ended${said === '' ? '' : `: ${said}`}.`, { cause: error }),
      );
    };
    stream.once('error', ended);
    stream.once('close', () => ended());
    stream.once('end', () => ended());
  }

  #takeOutput(text: string, stream: Duplex): void {
    const lines = (this.#out + text).split('\n');
    this.#out = lines.pop() ?? '';
    if (this.#out.length > LONGEST_LINE) this.#endless(stream);
    for (const line of lines) this.#questions.shift()?.resolve(line);
  }

  /** Nothing more of it is read, and without its stdin it ends. */
  #endless(stream: Duplex): void {
    this.#fail(new SandboxError('SANDBOX011', `${this.what} answers without end.`));
    stream.destroy();
  }

  #takeComplaint(text: string): void {
    const lines = (this.#complaint + text).split('\n');
    this.#complaint = (lines.pop() ?? '').slice(-LONGEST_LINE);
    for (const line of lines) this.onComplaint(line);
  }

  #fail(error: SandboxError): void {
    this.#failure ??= error;
    for (const { reject } of this.#questions.splice(0)) reject(this.#failure);
  }
}
