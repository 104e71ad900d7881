import { ManagedSandboxProvider, SandboxError, sentenceOf, unmetNeeds } from '@ergon/sandbox-core';
import type {
  CommandSpec,
  PreparedSolution,
  ProviderPorts,
  ProviderProbe,
  Refusal,
  ResourceUsage,
  SandboxConfig,
  SandboxLimits,
  SandboxProcess,
  SandboxTemplate,
  Volume,
  VolumeId,
  VolumeScope,
} from '@ergon/sandbox-core';
import { containerProfile } from '@ergon/sandbox-seccomp';
import type { DockerBox } from './box.js';
import { connect, resolveEndpoint, type Endpoint } from './connect/index.js';
import { normalFolder, refusedLimits, securityOptions, type ImageFacts } from './container/config.js';
import { probeVolumeSize } from './disk/index.js';
import { Engine } from './engine/engine.js';
import { isEngineFailure } from './engine/errors.js';
import { EngineEvents } from './engine/events.js';
import {
  configuredImages,
  imageFor,
  type ImageList,
  missingImage,
  missingOwn,
  missingService,
  missingTools,
  toolsImage,
} from './images.js';
import { identityOf, randomIdentity, type Identity } from './identity.js';
import { assertVolumes, NamedVolumes, volumeOptions, type VolumeClaim } from './named/index.js';
import { engineAddresses, engineResolvers } from './network/index.js';
import type { DockerOptions } from './options.js';
import { ImagePulls, obtainImage, pullObstacle, pullRules, type PullRules } from './pull/index.js';
import { capabilitiesOf, imagesOf, PROBE_MS, probeEngine, type UsableEngine } from './probe.js';
import { refusalOf } from './refusal.js';
import { reclaimFrom, removeSandbox } from './reclaim.js';
import { DockerSandbox } from './sandbox.js';
import type { ServicePlan } from './services/index.js';

interface Connection {
  readonly engine: Engine;
  readonly events: EngineEvents;
  readonly endpoint: Endpoint;
  readonly pulls: ImagePulls;
  /** For sentences. */
  readonly where: string;
}

/** Sandboxes that are containers of a Docker engine, here or elsewhere. Wire name `docker`. */
export class DockerProvider extends ManagedSandboxProvider<DockerBox> {
  readonly name = 'docker';
  readonly #seccomp = JSON.stringify(containerProfile());
  readonly #pullRules: PullRules;
  #connection: Connection | null = null;
  #usable: UsableEngine | null = null;
  #volumesAreSized: boolean | null = null;
  readonly #volumeBytes: number;
  readonly #named: NamedVolumes;
  /** The volumes that each sandbox has and that outlive it. */
  readonly #claims = new Map<DockerBox, VolumeClaim>();
  /** The uids of each sandbox's programs and services. */
  readonly #users = new Map<DockerBox, readonly number[]>();
  /** Sandboxes of failed preparations that could not be removed, with their instances. */
  readonly #unremoved = new Map<string, string>();

  constructor(
    private readonly options: DockerOptions,
    private readonly ports: ProviderPorts,
  ) {
    super();
    this.#volumeBytes = (options.volumes ?? volumeOptions.parse({})).maxBytes;
    this.#named = new NamedVolumes(this.#volumeBytes);
    this.#pullRules = pullRules(options.pull ?? {}, configuredImages(options.images));
  }

  override async probe(signal?: AbortSignal): Promise<ProviderProbe> {
    let connection: Connection;
    try {
      connection = this.#connect();
    } catch (error) {
      const fix = 'Name an engine by DOCKER_HOST, by a context, or by the option "host".';
      return { available: false, reason: sentenceOf(error), fix };
    }
    const found = await probeEngine(connection.engine, connection.where, signal);
    if ('available' in found) {
      this.#usable = null;
      return found;
    }
    this.#usable = found;
    connection.events.start();
    const sizesVolumes = await this.#sizesVolumes(connection.engine, signal);
    return { available: true, capabilities: capabilitiesOf(found, this.#networks(found.images), sizesVolumes) };
  }

  /** Asked until it answers: it depends on the filesystem on which the engine keeps its volumes. */
  async #sizesVolumes(engine: Engine, signal?: AbortSignal): Promise<boolean> {
    this.#volumesAreSized ??= await probeVolumeSize(engine, PROBE_MS, signal);
    return this.#volumesAreSized ?? false;
  }

  #networks(images: UsableEngine['images']): readonly ('none' | 'full')[] {
    const { network } = this.options.images;
    if (network === undefined) return ['none'];
    return images.has(network) || pullObstacle(network, this.#pullRules) === null ? ['none', 'full'] : ['none'];
  }

  #connect(): Connection {
    if (this.#connection !== null) return this.#connection;
    const { host, context } = this.options;
    const endpoint = resolveEndpoint({
      ...(host !== undefined && { host }),
      ...(context !== undefined && { context }),
    });
    const engine = new Engine(connect(endpoint));
    const events = new EngineEvents(engine);
    const changed = (): void => this.ports.changed?.();
    // Whoever keeps a probe asks for another then, so that an image that came a moment ago is known.
    events.on('images', changed).on('silent', changed).on('listening', changed);
    const pulls = new ImagePulls(engine, this.#pullRules, this.ports.logger);
    this.#connection = { engine, events, endpoint, pulls, where: describeEndpoint(endpoint) };
    return this.#connection;
  }

  override check(config: SandboxConfig, probe: ProviderProbe): readonly Refusal[] {
    if (!probe.available) return [];
    const refusals = [...unmetNeeds(config, probe.capabilities)];
    const there = imagesOf(probe.capabilities);
    return [
      ...refusals,
      ...this.#imageRefusals(config, there),
      ...this.#serviceRefusals(config, there),
      ...(refusals.some(({ field }) => field === 'network') ? [] : this.#networkPrice(config, there)),
      ...refusedLimits(config.limits),
    ];
  }

  #networkPrice({ network }: SandboxConfig, there: ImageList | null): Refusal[] {
    const image = this.options.images.network;
    if (network.mode === 'none' || image === undefined || there === null || there.has(image)) return [];
    const message = `The Docker engine does not have the image "${image}" of "network" yet, and would have to pull it.`;
    return [{ field: 'network', message, lastResort: true }];
  }

  #imageRefusals(config: SandboxConfig, there: ImageList | null): Refusal[] {
    if (there === null) return [];
    const field = 'image';
    const reference = imageFor(config, this.options.images);
    const obstacle = pullObstacle(reference, this.#pullRules);
    if (!there.has(reference)) {
      if (obstacle !== null) return [{ field, message: missingImage(reference, config, obstacle) }];
      // Nobody asked for this one: whoever can serve without a download goes first.
      const message = `The Docker engine does not have the image "${reference}" yet, and would have to pull it.`;
      return config.image === undefined ? [{ field, message, lastResort: true }] : [];
    }
    const tools = toolsImage(config, this.options.images, there);
    return tools.isThere || this.#pullRules.policy !== 'never' ? [] : [{ field, message: missingTools }];
  }

  #serviceRefusals({ services = {}, runtime }: SandboxConfig, there: ImageList | null): Refusal[] {
    const field = 'services';
    const missing = Object.entries(services).flatMap(([name, { image }]) => {
      const obstacle = there === null || there.has(image) ? null : pullObstacle(image, this.#pullRules);
      return obstacle === null ? [] : [{ field, message: missingService(name, image, obstacle) }];
    });
    // They share the network of its programs, which another runtime keeps to itself.
    if (runtime === undefined || Object.keys(services).length === 0) return missing;
    return [...missing, { field, message: 'Services are not supported with a runtime of its own.' }];
  }

  protected override async open(template: SandboxTemplate): Promise<DockerBox> {
    const { engine, events, endpoint, pulls } = this.#connect();
    assertVolumes(template.volumes ?? []);
    const usable = await this.#whatIsUsable();
    const image = await this.#image(engine, pulls, template);
    const tools = await this.#tools(engine, pulls, template, usable.images);
    const users = [...this.#users.values()].flat();
    const fresh = (): Identity => randomIdentity(usable.mapsUsers, (program) => users.includes(program));
    const access =
      template.network.mode === 'none'
        ? null
        : {
            image: await this.#networkImage(engine, pulls, template),
            hostAddresses: await engineAddresses(endpoint, template.signal),
            dnsServers: this.options.dns ?? engineResolvers(endpoint),
          };
    const sizedVolumes = await this.#sizesVolumes(engine);
    const claim = await this.#named.claim(engine, template, { sized: sizedVolumes, freshUser: () => fresh().program });
    let sandbox: DockerSandbox | null = null;
    try {
      const identity = claim.user === null ? fresh() : identityOf(claim.user);
      users.push(identity.program);
      const services = await this.#services(engine, pulls, template, () => {
        const { program } = fresh();
        users.push(program);
        return program;
      });
      sandbox = new DockerSandbox(
        {
          engine,
          events,
          facts: usable.facts,
          image,
          identity,
          seccomp: this.#seccomp,
          network: access,
          toolsImage: tools,
          services,
          sizedVolumes,
          named: { volumes: claim.volumes, limitBytes: this.#volumeBytes },
        },
        template,
      );
      this.#users.set(sandbox, [identity.program, ...services.map(({ uid }) => uid)]);
      this.#claims.set(sandbox, claim);
      await sandbox.open();
      return sandbox;
    } catch (error) {
      if (sandbox !== null) await this.#removeLater(template, this.close(sandbox));
      claim.release();
      throw refusalOf(error, template, image, usable.arch);
    }
  }

  /** What could not be removed after a failure, because the engine went away, is remembered until it can be. */
  async #removeLater({ instanceId, sandboxId }: SandboxTemplate, removal: Promise<void>): Promise<void> {
    try {
      await removal;
    } catch (error) {
      this.#unremoved.set(sandboxId, instanceId);
      this.ports.logger.warn('A sandbox could not be removed yet', { sandboxId, error: sentenceOf(error) });
    }
  }

  async #removeForgotten(engine: Engine): Promise<number> {
    let removed = 0;
    for (const [sandboxId, instanceId] of this.#unremoved) {
      await removeSandbox(engine, instanceId, sandboxId);
      if (this.#unremoved.delete(sandboxId)) removed += 1;
    }
    return removed;
  }

  async #whatIsUsable(): Promise<UsableEngine> {
    if (this.#usable !== null) return this.#usable;
    const probe = await this.probe();
    if (this.#usable !== null) return this.#usable;
    throw new SandboxError(
      'SANDBOX001',
      probe.available ? 'The probe was overtaken by another.' : `${probe.reason} ${probe.fix}`,
    );
  }

  /** Got where it is missing. */
  async #tools(engine: Engine, pulls: ImagePulls, template: SandboxTemplate, there: ImageList): Promise<string> {
    const { reference } = toolsImage(template, this.options.images, there);
    const { signal, report } = template;
    const missing = (): string =>
      this.options.images.tools === undefined ? missingTools : missingOwn('tools', reference);
    const wish = { reference, fresh: false, missing, signal, report };
    await obtainImage(engine, pulls, this.#pullRules, wish);
    return reference;
  }

  async #networkImage(engine: Engine, pulls: ImagePulls, { signal, report }: SandboxTemplate): Promise<string> {
    const reference = this.options.images.network ?? '';
    const wish = { reference, fresh: false, missing: () => missingOwn('network', reference), signal, report };
    await obtainImage(engine, pulls, this.#pullRules, wish);
    return reference;
  }

  async #services(
    engine: Engine,
    pulls: ImagePulls,
    { services = {}, signal, report }: SandboxTemplate,
    freeUid: () => number,
  ): Promise<ServicePlan[]> {
    const plans: ServicePlan[] = [];
    for (const [name, config] of Object.entries(services)) {
      const reference = config.image;
      const missing = (obstacle: string): string => missingService(name, reference, obstacle);
      const image = await obtainImage(engine, pulls, this.#pullRules, {
        reference,
        fresh: true,
        missing,
        signal,
        report,
      });
      if (config.command === undefined && !image.hasCommand) {
        const message = `The image "${reference}" of the service "${name}" does not say what to run: give the service a command.`;
        throw new SandboxError('SANDBOX008', message, { field: `services.${name}.command` });
      }
      plans.push({ name, config, image, uid: freeUid() });
    }
    return plans;
  }

  async #image(engine: Engine, pulls: ImagePulls, template: SandboxTemplate): Promise<ImageFacts> {
    const reference = imageFor(template, this.options.images);
    const { platform, signal, report } = template;
    const missing = (obstacle: string): string => missingImage(reference, template, obstacle);
    const wish = { reference, platform, fresh: true, missing, signal, report };
    const found = await obtainImage(engine, pulls, this.#pullRules, wish);
    const named = template.volumes ?? [];
    const mounted = [...template.mounts, ...named].map(({ target }) => target);
    const targets = ['/solution', '/workspace', '/output', ...mounted];
    const isBelow = (path: string): boolean => targets.some((target) => normalFolder(path).startsWith(`${target}/`));
    const own = found.volumes.find(isBelow);
    if (own !== undefined) {
      const message = `The image "${reference}" declares a volume at ${own}, below a folder of the sandbox.`;
      throw new SandboxError('SANDBOX009', message, { field: 'image' });
    }
    return { reference, ...found };
  }

  protected override place(sandbox: DockerBox, solution: PreparedSolution): Promise<void> {
    return sandbox.place(solution);
  }
  protected override spawn(sandbox: DockerBox, run: CommandSpec): Promise<SandboxProcess> {
    return sandbox.spawn(run);
  }
  protected override assist(sandbox: DockerBox, run: CommandSpec): Promise<SandboxProcess> {
    return sandbox.assist(run);
  }
  protected override measure(sandbox: DockerBox): Promise<ResourceUsage> {
    return sandbox.measure();
  }
  protected override limit(sandbox: DockerBox, limits: SandboxLimits): Promise<void> {
    return sandbox.limit(limits);
  }
  protected override async close(sandbox: DockerBox): Promise<void> {
    await sandbox.close();
    this.#users.delete(sandbox);
    this.#claims.get(sandbox)?.release();
    this.#claims.delete(sandbox);
  }

  override async volumes(
    scope: VolumeScope,
    options: { readonly solutionId?: string; readonly signal?: AbortSignal } = {},
  ): Promise<readonly Volume[]> {
    const { engine } = this.#connect();
    const { images } = await this.#whatIsUsable();
    const tools = toolsImage({}, this.options.images, images);
    const image = tools.isThere && images.has(tools.reference) ? tools.reference : null;
    return orDown(this.#named.list(engine, scope, options, image, securityOptions(this.#seccomp)));
  }

  override async removeVolume(id: VolumeId): Promise<boolean> {
    return orDown(this.#named.remove(this.#connect().engine, id));
  }

  override async reclaim(instanceId: string | null): Promise<number> {
    const { engine } = this.#connect();
    const forgotten = await this.#removeForgotten(engine);
    return forgotten + (await reclaimFrom(engine, instanceId));
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    try {
      await super[Symbol.asyncDispose]();
      if (this.#connection !== null) await this.#removeForgotten(this.#connection.engine);
    } finally {
      this.#connection?.events.stop();
    }
  }
}

/** @throws SandboxError SANDBOX001 where the engine gives no answer */
async function orDown<Answer>(work: Promise<Answer>): Promise<Answer> {
  try {
    return await work;
  } catch (error) {
    if (!isEngineFailure(error) || error.status !== null) throw error;
    throw new SandboxError('SANDBOX001', error.message, { cause: error });
  }
}

function describeEndpoint({ address }: Endpoint): string {
  switch (address.kind) {
    case 'socket':
      return address.path;
    case 'tcp':
      return `${address.host}:${address.port}`;
    case 'ssh':
      return `${address.host} (ssh)`;
  }
}
