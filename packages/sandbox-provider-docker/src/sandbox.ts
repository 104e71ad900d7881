import { setTimeout as delay } from 'node:timers/promises';
import { SandboxError, unmeasuredUsage } from '@ergon/sandbox-core';
import type {
  CommandSpec,
  PreparedSolution,
  ResourceUsage,
  SandboxLimits,
  SandboxProcess,
  SandboxTemplate,
} from '@ergon/sandbox-core';
import { count } from './container/account.js';
import {
  changeableLimits,
  containerConfig,
  ownProcesses,
  refusedLimits,
  securityOptions,
  type EngineFacts,
  type ImageFacts,
} from './container/config.js';
import { programVariables } from './container/environment.js';
import type { Counters } from './container/holder.js';
import { RunContainer } from './container/run-container.js';
import { SandboxDisk, useOfAll, watchDisk, type DiskUse, type OpenFiles } from './disk/index.js';
import { unlessAborted } from './engine/bounded.js';
import type { Engine } from './engine/engine.js';
import type { EngineEvents } from './engine/events.js';
import type { Identity } from './identity.js';
import { sandboxFiles } from './files.js';
import type { DockerBox } from './box.js';
import { VolumeWatch, type NamedVolume } from './named/index.js';
import { assertSafeName, labelsOf, nameOf } from './names.js';
import { assertMountSources, assertMountTargets } from './mounts.js';
import { openNetwork, type NetworkOptions, type SandboxNetwork } from './network/index.js';
import { removeSandbox } from './reclaim.js';
import { Services, type ServicePlan } from './services/index.js';
import type { DockerRun } from './run.js';
import { Slots } from './slots.js';
import { startRun, throwIfStopped } from './start-run.js';
import { all } from './all.js';
import { belowUse, isTooSmall } from './below-use.js';
import { makeVolumes, mountsOf, volumesOf, WRITABLE } from './volumes.js';

/** What a sandbox is made of and with. */
export interface SandboxParts {
  readonly engine: Engine;
  readonly events: EngineEvents;
  readonly facts: EngineFacts;
  readonly image: ImageFacts;
  readonly identity: Identity;
  readonly seccomp: string;
  /** The image of the container that holds a network, and what may not be reached; null: the sandbox gets none. */
  readonly network: Pick<NetworkOptions, 'image' | 'hostAddresses' | 'dnsServers'> | null;
  readonly toolsImage: string;
  readonly services: readonly ServicePlan[];
  /** The engine bounds volumes by itself. */
  readonly sizedVolumes: boolean;
  /** Those that outlive it, and the most that each may take, in bytes. */
  readonly named: { readonly volumes: readonly NamedVolume[]; readonly limitBytes: number };
}

/** Commands of ours beside a program, at once: each has a container, and with it all of the sandbox's memory. */
const HELPERS = 4;
/** How long the end of a container may be heard of after the engine's refusal to change it, in ms. */
const END_MS = 2000;

/** A container that waits for its program, and what it had used by then. */
interface Parked {
  readonly container: RunContainer;
  readonly before: Counters;
  /** Sees the files that its processes have removed and still hold. Null: the keeper does not look yet. */
  removedFiles: OpenFiles | null;
}

/** One sandbox in a Docker engine: its volumes for as long as it lives, and a container for each command. */
export class DockerSandbox implements DockerBox {
  readonly #disk: SandboxDisk;
  /** By where they are mounted. */
  readonly #volumes: Readonly<Record<string, string>>;
  #network: SandboxNetwork | null = null;
  /** Those in force. */
  #limits: SandboxLimits;
  #services: Services | null = null;
  #containers = 0;
  /** Containers of commands that are there, with a program or waiting for one. */
  readonly #live = new Set<RunContainer>();
  /** Made ahead for the next command. */
  #parked: Promise<Parked> | null = null;
  #running: DockerRun | null = null;
  /** Containers of ended commands that are being removed. */
  readonly #removals = new Set<Promise<unknown>>();
  /** Those that could not be: what was lost may run on in them. */
  readonly #unremoved = new Set<RunContainer>();
  readonly #helpers = new Slots(HELPERS);
  #closed = false;
  /** The last command's fate is unknown. */
  #lost = false;

  constructor(
    private readonly parts: SandboxParts,
    private readonly template: SandboxTemplate,
  ) {
    assertSafeName('sandbox id', template.sandboxId);
    assertSafeName('instance id', template.instanceId);
    assertMountTargets(template.mounts);
    const [refusal] = refusedLimits(template.limits);
    if (refusal !== undefined) throw new SandboxError('SANDBOX008', refusal.message, { field: refusal.field });
    this.#limits = this.#bounded(template.limits);
    this.#volumes = volumesOf(template);
    const named = parts.named.volumes;
    this.#disk = new SandboxDisk({
      docker: parts.engine.docker,
      sandboxId: template.sandboxId,
      labels: labelsOf(template, 'keeper'),
      image: parts.toolsImage,
      volumes: { ...this.#volumes, ...Object.fromEntries(named.map(({ target, volume }) => [target, volume])) },
      measured: WRITABLE,
      securityOpt: securityOptions(parts.seccomp),
    });
  }

  /** All that can be made before the solution is known: the folders, empty, and a container that waits. After a failure, `close` removes what there is. */
  async open(): Promise<void> {
    const { engine, seccomp, network, sizedVolumes } = this.parts;
    const { sandboxId, signal, limits } = this.template;
    await makeVolumes(engine, this.#volumes, labelsOf(this.template, 'volume'), sizedVolumes ? limits.diskBytes : null);
    signal?.throwIfAborted();
    const parking = async (): Promise<void> => {
      if (network !== null) {
        this.#network = await openNetwork(engine.docker, {
          sandboxId,
          labels: labelsOf(this.template, 'network'),
          ...network,
          names: this.parts.services.map(({ name }) => name),
          securityOpt: securityOptions(seccomp),
          ...(signal && { signal }),
        });
      }
      signal?.throwIfAborted();
      if (this.parts.services.length > 0) this.#services = await this.#openServices(signal);
      this.#parked = this.#park(signal);
      await all([this.#parked, ...(this.#services === null ? [] : [this.#services.start(signal)])]);
    };
    await all([this.#disk.open(signal), parking()]);
    signal?.throwIfAborted();
  }

  #openServices(signal?: AbortSignal): Promise<Services> {
    const { engine, facts, seccomp, services, toolsImage } = this.parts;
    const options = {
      sandboxId: this.template.sandboxId,
      plans: services,
      report: this.template.report,
      engine: facts,
      labels: labelsOf(this.template, 'service'),
      image: toolsImage,
      networkMode: this.#network?.networkMode ?? null,
      seccomp,
      securityOpt: securityOptions(seccomp),
    };
    return Services.open(engine, options, signal);
  }

  async place({ path, signal }: PreparedSolution): Promise<void> {
    const { identity, named } = this.parts;
    const owner = { uid: identity.program, gid: identity.program };
    await assertMountSources(this.template.mounts);
    const targets = named.volumes.map(({ target }) => target);
    await this.#disk.put(sandboxFiles(path, this.template.mounts, owner, targets), signal);
    await this.#disk.start(signal);
    signal?.throwIfAborted();
    if (this.#parked !== null) await this.#watch(await this.#parked);
    signal?.throwIfAborted();
  }

  /** @param signal of what it is for, if that can be called off */
  async #park(signal?: AbortSignal): Promise<Parked> {
    const { engine, image, facts, identity, named, seccomp } = this.parts;
    const { sandboxId } = this.template;
    const limits = this.#limits;
    const container = await RunContainer.park(engine, {
      name: nameOf(sandboxId, `run-${++this.#containers}`),
      user: identity.program,
      beats: facts.outlived,
      signal,
      config: containerConfig({
        image,
        engine: facts,
        limits,
        identity,
        labels: labelsOf(this.template, 'run'),
        mounts: [
          ...mountsOf(this.#volumes),
          ...named.volumes.map(({ volume, target }) => ({ volume, target, readOnly: false })),
        ],
        networkMode: this.#network?.networkMode ?? this.#services?.networkMode ?? 'none',
        seccomp,
      }),
    });
    this.#live.add(container);
    const parked: Parked = { container, before: await count(container), removedFiles: null };
    try {
      // Changed while it was being made.
      if (limits !== this.#limits) await container.limit(changeableLimits(this.#limits, facts));
    } catch (error) {
      this.#remove(parked);
      throw error;
    }
    if (this.#disk.isStarted) await this.#watch(parked);
    return parked;
  }

  async #watch(parked: Parked): Promise<void> {
    try {
      parked.removedFiles = await this.#disk.watchRemoved(parked.container.id);
    } catch (error) {
      this.#remove(parked);
      throw error;
    }
  }

  async spawn(run: CommandSpec): Promise<SandboxProcess> {
    const { environment } = this.template;
    const image = programVariables(this.parts.image.environment);
    const all = { ...image, ...environment, ...run.environment, ...this.#fixedEnvironment() };
    const { volumes } = this.parts.named;
    const parked = await this.#takeParked(run.signal);
    this.#services?.beginRun();
    const process = await this.#start(parked, run, all, volumes);
    this.#running = process;
    void process.gone.then(() => this.#parkNext());
    void process.ended.then(({ cause }) => {
      this.#running = null;
      this.#lost ||= cause === 'lost';
    });
    return process;
  }

  /** A command of ours: in a container of its own, so that neither sees the other's processes. */
  async assist(run: CommandSpec): Promise<SandboxProcess> {
    const leave = await this.#helpers.take(run.signal);
    try {
      const parked = await this.#takeParked(run.signal);
      this.#parkNext();
      const process = await this.#start(parked, run, run.environment, []);
      void process.gone.then(leave);
      return process;
    } catch (error) {
      leave();
      throw error;
    }
  }

  /** @param written volumes that it may write to */
  async #start(
    parked: Parked,
    run: CommandSpec,
    environment: Readonly<Record<string, string>>,
    written: readonly NamedVolume[],
  ): Promise<DockerRun> {
    const { container, before } = parked;
    try {
      const keeper = await this.#disk.keeper();
      throwIfStopped(run.signal);
      const volumes = await VolumeWatch.begin(keeper, written, this.parts.named.limitBytes, run.signal);
      throwIfStopped(run.signal);
      const { diskBytes } = this.template.limits;
      const process = await startRun(container, run, {
        environment,
        limits: () => this.#limits,
        cpus: this.parts.facts.cpus,
        ownProcesses: ownProcesses(this.parts.facts),
        events: this.parts.events,
        before,
        diskBytes: () => keeper.usedBytes(),
        outputEmpty: () => keeper.isEmpty('/output'),
        volumesOver: () => volumes.over(),
        watch: (exceeded, failed) => {
          const use = (signal?: AbortSignal): Promise<DiskUse> => useOfAll(keeper, parked, signal);
          const stops = [watchDisk({ use }, diskBytes, exceeded, failed), volumes.start(exceeded, failed)];
          return () => stops.forEach((stop) => stop());
        },
      });
      void process.gone.then(() => this.#remove(parked));
      return process;
    } catch (error) {
      this.#remove(parked);
      this.#parkNext();
      throw error;
    }
  }

  /** Nothing of an earlier command runs beside the next one: where the engine keeps containers while it is away (live-restore), a lost one may. */
  async #removeLost(): Promise<void> {
    await Promise.all(this.#removals);
    for (const container of this.#unremoved) {
      await container.remove();
      this.#unremoved.delete(container);
    }
  }

  /** @throws SandboxError SANDBOX011 when it is not wanted any more; what it waited for is the next command's */
  async #takeParked(signal: AbortSignal): Promise<Parked> {
    const ahead = this.#parked;
    this.#parked = null;
    const taking = this.#ready(ahead);
    try {
      const parked = await unlessAborted(taking, signal);
      throwIfStopped(signal);
      return parked;
    } catch (error) {
      if (!signal.aborted) throw error;
      this.#putBack(taking);
      throwIfStopped(signal);
      throw error;
    }
  }

  #putBack(taking: Promise<Parked>): void {
    if (this.#parked === null) {
      this.#parked = taking;
      this.#parked.catch(() => undefined); // the next command tries again
    } else {
      const removal = taking.then(
        (parked) => this.#remove(parked),
        () => undefined, // it removed what it had made
      );
      this.#removals.add(removal);
      void removal.then(() => this.#removals.delete(removal));
    }
  }

  /** @param ahead made for it ahead of its time, if it could be */
  async #ready(ahead: Promise<Parked> | null): Promise<Parked> {
    if (this.#lost) await this.#removeLost();
    this.#lost = false;
    const parked = (await ahead?.catch(() => null)) ?? null; // what failed ahead of its time is tried again, and tells then
    if (parked !== null) {
      if (parked.removedFiles?.alive !== false && (await parked.container.isReady())) return parked;
      this.#remove(parked); // it was ended or paused from outside while it waited
    }
    return this.#park();
  }

  /** After a failure the next command tries again. */
  #parkNext(): void {
    if (this.#closed || this.#parked !== null) return;
    this.#parked = this.#park();
    this.#parked.catch(() => undefined);
  }

  /** Its processes are gone; what is left of it goes in its own time. `close` tells of a failure, since it tries again. */
  #remove({ container, removedFiles }: Parked): void {
    this.#live.delete(container);
    const removal = Promise.allSettled([container.remove(), removedFiles?.close()]).then(([removed]) => {
      if (removed.status === 'rejected') this.#unremoved.add(container);
    });
    this.#removals.add(removal);
    void removal.then(() => this.#removals.delete(removal));
  }

  #fixedEnvironment(): Record<string, string> {
    return {
      SANDBOX_ID: this.template.sandboxId,
      SOLUTION_DIR: '/solution',
      WORKSPACE_DIR: '/workspace',
      OUTPUT_DIR: '/output',
    };
  }

  async measure(): Promise<ResourceUsage> {
    return this.#running === null ? unmeasuredUsage : this.#running.measure();
  }

  /** Of every container of a command, and of those to come. */
  async limit(limits: SandboxLimits): Promise<void> {
    const before = this.#limits;
    await Promise.all([...this.#live].map((container) => this.#prepareLimit(container, limits)));
    this.#limits = this.#bounded(limits);
    try {
      await this.#limitAll();
    } catch (error) {
      this.#limits = before;
      await this.#limitAll();
      throw isTooSmall(error) ? belowUse(limits.memoryBytes, null) : error;
    }
  }

  /** A volume that is only looked at could be passed far by one file, made at once (fallocate(2)), and that stays. */
  #bounded(limits: SandboxLimits): SandboxLimits {
    const { named, sizedVolumes } = this.parts;
    if (named.volumes.length === 0 || sizedVolumes) return limits;
    return { ...limits, fileBytes: Math.min(limits.fileBytes, named.limitBytes) };
  }

  /** @throws SandboxError SANDBOX008: cgroup v2 would end processes that do not fit any more */
  async #prepareLimit(container: RunContainer, { memoryBytes }: SandboxLimits): Promise<void> {
    const counters = await count(container);
    if (memoryBytes < this.#limits.memoryBytes && (counters.memoryBytes ?? 0) > memoryBytes) {
      throw belowUse(memoryBytes, counters.memoryBytes);
    }
    this.#running?.keepHits(container, counters);
  }

  async #limitAll(): Promise<void> {
    const values = changeableLimits(this.#limits, this.parts.facts);
    await Promise.all(
      [...this.#live].map((container) =>
        container.limit(values).catch(async (error: unknown) => {
          await Promise.race([container.ended, delay(END_MS, undefined, { ref: false })]);
          if (container.alive) throw error; // one that has ended needs no limits
        }),
      ),
    );
  }

  /** Removes all of it. Safe to call twice, and after a failed `open`. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#parked?.catch(() => undefined); // it removed what it had made
    this.#parked = null;
    while (this.#removals.size > 0) await Promise.all(this.#removals);
    await this.#services?.close();
    await this.#disk.close();
    const { engine } = this.parts;
    const { instanceId, sandboxId } = this.template;
    await removeSandbox(engine, instanceId, sandboxId);
    await this.#network?.close();
  }
}
