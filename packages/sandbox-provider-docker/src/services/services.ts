import type { OutputStream, ReportSink } from '@ergon/sandbox-core';
import { all } from '../all.js';
import type { Engine } from '../engine/engine.js';
import { nameOf } from '../names.js';
import { Budget, FIRST_BUDGET, RUN_BUDGET } from './budget.js';
import type { Line } from './lines.js';
import type { ServicePlan, ServiceSurroundings } from './plan.js';
import { Pod, type PodOptions } from './pod.js';
import { Service } from './service.js';

export interface ServicesOptions
  extends Omit<PodOptions, 'name' | 'names'>, Pick<ServiceSurroundings, 'engine' | 'seccomp'> {
  readonly sandboxId: string;
  readonly plans: readonly ServicePlan[];
  readonly report: ReportSink | undefined;
}

/** The services of one sandbox, from its preparation to its end. */
export class Services {
  #running: readonly Service[] = [];
  #budget = new Budget(FIRST_BUDGET);
  readonly #over = new AbortController();

  private constructor(
    private readonly engine: Engine,
    private readonly options: ServicesOptions,
    private readonly pod: Pod,
  ) {}

  /** What they join; none of them runs yet. @throws SandboxError SANDBOX001, SANDBOX011 */
  static async open(engine: Engine, options: ServicesOptions, signal?: AbortSignal): Promise<Services> {
    const names = options.plans.map(({ name }) => name);
    const pod = await Pod.open(engine, { ...options, name: nameOf(options.sandboxId, 'services'), names }, signal);
    return new Services(engine, options, pod);
  }

  /** HostConfig.NetworkMode of what reaches them. */
  get networkMode(): string {
    return this.pod.networkMode;
  }

  /**
   * Starts all at once and waits until all are up.
   * @throws SandboxError SANDBOX011 for the first that does not come up; the signal's reason
   */
  async start(given?: AbortSignal): Promise<void> {
    const { plans, labels, engine, seccomp, sandboxId } = this.options;
    const { networkMode, pidMode } = this.pod;
    const around = { engine, labels, networkMode, pidMode, seccomp };
    // When one fails the others are not waited for.
    const failed = new AbortController();
    const signal = AbortSignal.any([failed.signal, ...(given === undefined ? [] : [given])]);
    const named = plans.map(({ name }) => `"${name}"`).join(', ');
    this.#report({ type: 'phase', phase: 'services', message: `Services are started: ${named}.` });
    const sinks = {
      report: this.#report,
      takesLines: () => this.#budget.isOpen,
      line: (service: string, stream: OutputStream, line: Line) => this.#line(service, stream, line),
    };
    let up = 0;
    const launch = async (plan: ServicePlan): Promise<void> => {
      const container = nameOf(sandboxId, `service-${plan.name}`);
      try {
        const service = await Service.launch(this.engine, container, plan, around, sinks, signal);
        this.#running = [...this.#running, service];
      } catch (error) {
        failed.abort(error);
        throw error;
      }
      this.#report({ type: 'progress', phase: 'services', done: ++up, total: plans.length });
    };
    try {
      await all(plans.map(launch));
    } catch (error) {
      given?.throwIfAborted();
      throw failed.signal.aborted ? (failed.signal.reason as Error) : error;
    }
    const ended = this.#running.find(({ end }) => end !== null);
    if (ended !== undefined) throw ended.failure();
  }

  /** A program is started: what services write from now on is its log's. */
  beginRun(): void {
    this.#budget = new Budget(RUN_BUDGET);
    for (const { name: service, end } of this.#running) {
      if (end !== null) this.#report({ type: 'service', service, state: 'ended', ...end });
    }
  }

  readonly #report: ReportSink = (report) => {
    if (!this.#over.signal.aborted) this.options.report?.(report);
  };

  #line(service: string, stream: OutputStream, { text, partial }: Line): void {
    const taken = this.#budget.take(text);
    if (taken === 'taken') {
      this.#report({ type: 'service', service, stream, text, ...(partial && { partial }) });
    } else if (taken === 'last') {
      const message = 'The services wrote more than a log keeps of it; what follows is left out until the next run.';
      this.#report({ type: 'notice', message });
    }
  }

  /** Nothing of them is told any more, and they end. Their containers are the sandbox's to remove. */
  async close(): Promise<void> {
    this.#over.abort(new Error('the sandbox is closed'));
    for (const service of this.#running) service.close();
    await this.pod.close();
  }
}
