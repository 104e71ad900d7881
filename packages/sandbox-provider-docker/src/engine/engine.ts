import { Duplex, Readable } from 'node:stream';
import type Dockerode from 'dockerode';
import { ask, unlessMissing } from './asking.js';
import { ANSWER_MS, MAKE_MS } from './bounded.js';
import { EngineFailure, hasStatus } from './errors.js';
import type { ContainerLimits } from '../container/config.js';
import { architecture } from './architecture.js';
import { EngineExecs } from './execs.js';
import { parseStats, type EngineStats } from './stats.js';

export interface ContainerState {
  readonly running: boolean;
  /** The engine saw the kernel end one of its processes for want of memory. */
  readonly oomKilled: boolean;
  readonly exitCode: number | null;
}

export interface EngineImage {
  readonly id: string;
  /** Of its manifests, as registries know them. */
  readonly digests: readonly string[];
  /** Of its programs, in Node's names. */
  readonly arch: string;
  /** `NAME=VALUE` */
  readonly environment: readonly string[];
  /** Paths that it declares as volumes. */
  readonly volumes: readonly string[];
  /** It says what runs in it. */
  readonly hasCommand: boolean;
  /** Docker's HEALTHCHECK. Null: none. */
  readonly healthcheck: ImageHealthcheck | null;
}

/** Engine API, HealthConfig: times in nanoseconds; absent, empty and 0: the default. */
export interface ImageHealthcheck {
  readonly Test?: readonly string[] | null;
  readonly Interval?: number;
  readonly Timeout?: number;
  readonly Retries?: number;
  readonly StartPeriod?: number;
}

/** What an engine asks a registry for. */
export interface PullRequest {
  readonly repository: string;
  /** A tag or a digest. */
  readonly version: string;
  /** As Docker has it, e.g. `linux/amd64`. Null: the engine's own. */
  readonly platform: string | null;
  /** X-Registry-Auth. Null: without credentials. */
  readonly auth: string | null;
}

/** An object of the engine, with its labels. */
export interface Labelled {
  /** How it is removed: an id, or a volume's name. */
  readonly id: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}

export interface LabelledVolume extends Labelled {
  /** Of its driver. */
  readonly options: Readonly<Record<string, string>>;
}

/**
 * The few calls to a Docker engine that a sandbox needs. Everything beyond knows no dockerode. Calls that make something are not cut off
 * by a signal: the engine would make it all the same, and nobody would know.
 *
 * All throw EngineFailure (SANDBOX011).
 */
export class Engine {
  /** The engine's own, once it was asked. Calls without a version get an old one of some engines. */
  #api: string | null = null;

  readonly execs: EngineExecs;

  constructor(readonly docker: Dockerode) {
    this.execs = new EngineExecs(docker);
  }

  async info(signal?: AbortSignal, ms = ANSWER_MS): Promise<Record<string, unknown>> {
    return ask('ask the engine what it is', ms, signal, (abortSignal) =>
      this.#get<Record<string, unknown>>('/info', abortSignal),
    );
  }

  async version(signal?: AbortSignal, ms = ANSWER_MS): Promise<Record<string, unknown>> {
    const version = await ask('ask the engine for its version', ms, signal, (abortSignal) =>
      this.#get<Record<string, unknown>>('/version', abortSignal),
    );
    this.#api = typeof version.ApiVersion === 'string' ? version.ApiVersion : null;
    return version;
  }

  /** Every name by which an image can be asked for, and its id. */
  async images(
    signal?: AbortSignal,
    ms = ANSWER_MS,
  ): Promise<readonly { readonly id: string; readonly names: readonly string[] }[]> {
    const list = await ask('list the images', ms, signal, (abortSignal) => this.docker.listImages({ abortSignal }));
    // The engine says null where there is none.
    return list.map((image) => ({
      id: image.Id,
      names: [...((image.RepoTags as string[] | null) ?? []), ...((image.RepoDigests as string[] | null) ?? [])],
    }));
  }

  /** Null: it is not there. */
  async image(reference: string, signal?: AbortSignal): Promise<EngineImage | null> {
    try {
      const found = await ask(`look for the image "${reference}"`, ANSWER_MS, signal, () =>
        this.docker.getImage(reference).inspect(),
      );
      const config = found.Config as Partial<typeof found.Config> | null;
      return {
        id: found.Id,
        digests: ((found.RepoDigests as string[] | null) ?? []).map((name) => name.replace(/^.*@/, '')),
        arch: architecture(found.Architecture),
        environment: config?.Env ?? [],
        volumes: Object.keys((config?.Volumes as Record<string, unknown> | null | undefined) ?? {}),
        hasCommand: [config?.Entrypoint, config?.Cmd].some((words) => (words?.length ?? 0) > 0),
        healthcheck: (config as { Healthcheck?: ImageHealthcheck | null } | null)?.Healthcheck ?? null,
      };
    } catch (error) {
      if (hasStatus(error, 404)) return null;
      throw error;
    }
  }

  /**
   * Lets it get an image: its account of that, one JSON value a line. The engine goes on only for as long as it is listened to: when the signal cuts it off, or this
   * process dies, it stops and lets go of what it has got.
   *
   * @param signal bounds it: the engine answers when the registry has, which may be slow
   */
  async pull({ repository, version, platform, auth }: PullRequest, signal: AbortSignal): Promise<Readable> {
    const stream = await ask(`pull the image "${repository}"`, 2 * MAKE_MS, signal, (abortSignal) =>
      this.docker.createImage({
        fromImage: repository,
        tag: version,
        ...(platform !== null && { platform }),
        ...(auth !== null && { authconfig: { key: auth } }),
        abortSignal,
      }),
    );
    if (stream instanceof Readable) return stream;
    throw new TypeError('The account of a pull is no stream.');
  }

  /** @param options of its driver */
  async createVolume(
    name: string,
    labels: Readonly<Record<string, string>>,
    options: Readonly<Record<string, string>> = {},
  ): Promise<void> {
    await ask('make a volume', MAKE_MS, undefined, () =>
      this.docker.createVolume({ Name: name, Labels: { ...labels }, DriverOpts: { ...options } }),
    );
  }

  async createContainer(name: string, config: Dockerode.ContainerCreateOptions): Promise<string> {
    const container = await ask('make a container', MAKE_MS, undefined, () =>
      this.docker.createContainer({ name, ...config }),
    );
    return container.id;
  }

  async start(id: string): Promise<void> {
    await ask('start a container', MAKE_MS, undefined, () => this.docker.getContainer(id).start());
  }

  /** Both directions of a container's main process; framed. */
  async attach(id: string): Promise<Duplex> {
    const stream = await ask('attach to a container', ANSWER_MS, undefined, () =>
      this.docker.getContainer(id).attach({ stream: true, stdin: true, stdout: true, stderr: true, hijack: true }),
    );
    if (stream instanceof Duplex) return stream;
    throw new TypeError('An attached container is no duplex stream.');
  }

  /** What a container's main process writes from now on; framed. */
  async follow(id: string): Promise<Readable> {
    const stream = await ask('attach to a container', ANSWER_MS, undefined, () =>
      this.docker.getContainer(id).attach({ stream: true, stdout: true, stderr: true }),
    );
    if (stream instanceof Readable) return stream;
    throw new TypeError('The output of a container is no stream.');
  }

  /** Waits for a container's end, for as long as it runs; its exit code. @throws EngineFailure; the signal's reason */
  async ended(id: string, signal: AbortSignal): Promise<number> {
    const { StatusCode } = (await this.docker
      .getContainer(id)
      .wait({ condition: 'not-running', abortSignal: signal })
      .catch((error: unknown) => {
        signal.throwIfAborted();
        throw new EngineFailure('wait for a container to end', error);
      })) as { StatusCode: number };
    return StatusCode;
  }

  /** Null: there is no such container. */
  async containerState(id: string): Promise<ContainerState | null> {
    return unlessMissing(async () => {
      const { State } = await ask('look at a container', ANSWER_MS, undefined, (abortSignal) =>
        this.docker.getContainer(id).inspect({ abortSignal }),
      );
      return { running: State.Running, oomKilled: State.OOMKilled, exitCode: State.Running ? null : State.ExitCode };
    });
  }

  async stats(id: string): Promise<EngineStats> {
    // In the oldest version that an engine may speak without being told one, `one-shot` is unknown, and an answer takes a second.
    const version = this.#api === null ? '' : `/v${this.#api}`;
    const path = `${version}/containers/${id}/stats?stream=false&one-shot=true&`;
    const stats = await ask('measure a container', ANSWER_MS, undefined, (abortSignal) =>
      this.#get<Dockerode.ContainerStats>(path, abortSignal),
    );
    return parseStats(stats);
  }

  /** Lets a running container have so many CPUs. */
  setCpus(id: string, cpus: number): Promise<void> {
    return this.setLimits(id, { NanoCpus: Math.round(cpus * 1e9) });
  }

  /** Lets a running container have so many processes and threads. */
  setPids(id: string, count: number): Promise<void> {
    return this.setLimits(id, { PidsLimit: count });
  }

  /** Changes limits of a running container: all that are named, or none. */
  async setLimits(id: string, limits: Partial<ContainerLimits>): Promise<void> {
    await ask('change the limits of a container', ANSWER_MS, undefined, () =>
      this.docker.getContainer(id).update(limits),
    );
  }

  /** Ends every process of it. Harmless when it has ended or is gone. */
  async kill(id: string): Promise<void> {
    try {
      await ask('end a container', ANSWER_MS, undefined, (abortSignal) =>
        this.docker.getContainer(id).kill({ signal: 'SIGKILL', abortSignal }),
      );
    } catch (error) {
      if (!hasStatus(error, 404) && !hasStatus(error, 409)) throw error; // 409: it does not run
    }
  }

  /** Ends and removes a container with its anonymous volumes. Harmless when it is gone; waits when it is being removed. */
  async removeContainer(id: string): Promise<void> {
    try {
      await ask('remove a container', MAKE_MS, undefined, (abortSignal) =>
        this.docker.getContainer(id).remove({ force: true, v: true, abortSignal }),
      );
    } catch (error) {
      if (hasStatus(error, 404)) return;
      if (!hasStatus(error, 409)) throw error;
      await ask('wait for a container to be removed', MAKE_MS, undefined, (abortSignal) =>
        this.docker.getContainer(id).wait({ condition: 'removed', abortSignal }),
      ).catch((failure: unknown) => {
        if (!hasStatus(failure, 404)) throw failure;
      });
    }
  }

  async removeVolume(name: string): Promise<void> {
    await unlessMissing(() =>
      ask('remove a volume', MAKE_MS, undefined, (abortSignal) =>
        this.docker.getVolume(name).remove({ force: false, abortSignal }),
      ),
    );
  }

  async removeNetwork(id: string): Promise<void> {
    await unlessMissing(() =>
      ask('remove a network', MAKE_MS, undefined, (abortSignal) => this.docker.getNetwork(id).remove({ abortSignal })),
    );
  }

  async containers(labels: readonly string[]): Promise<Labelled[]> {
    const list = await ask('list containers', ANSWER_MS, undefined, (abortSignal) =>
      this.docker.listContainers({ all: true, filters: { label: [...labels] }, abortSignal }),
    );
    // One that is being removed may have no name any more. Others' links to it are names with a second slash.
    return list.map(({ Id, Names, Labels }) => ({
      id: Id,
      name: (Names as string[] | null)?.find((each) => /^\/[^/]+$/.test(each))?.slice(1) ?? '',
      labels: Labels,
    }));
  }

  async volumes(labels: readonly string[], signal?: AbortSignal): Promise<LabelledVolume[]> {
    const { Volumes } = await ask('list volumes', ANSWER_MS, signal, (abortSignal) =>
      this.docker.listVolumes({ filters: { label: [...labels] }, abortSignal }),
    );
    return ((Volumes as typeof Volumes | null) ?? []).map(({ Name, Labels, Options }) => ({
      id: Name,
      name: Name,
      labels: Labels,
      options: Options ?? {},
    }));
  }

  async networks(labels: readonly string[]): Promise<Labelled[]> {
    const list = await ask('list networks', ANSWER_MS, undefined, (abortSignal) =>
      this.docker.listNetworks({ filters: { label: [...labels] }, abortSignal }),
    );
    return list.map(({ Id, Name, Labels }) => ({ id: Id, name: Name, labels: Labels ?? {} }));
  }

  /** The engine's announcements, one JSON value a line. */
  async events(filters: Readonly<Record<string, readonly string[]>>, signal: AbortSignal): Promise<Readable> {
    const stream = await ask('listen to the engine', ANSWER_MS, signal, () =>
      this.docker.getEvents({ filters: filters as Record<string, string[]>, abortSignal: signal }),
    );
    if (stream instanceof Readable) return stream;
    throw new TypeError("The engine's events are no stream.");
  }

  #get<Answer>(path: string, abortSignal: AbortSignal): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.docker.modem.dial(
        { path, method: 'GET', abortSignal, statusCodes: { 200: true, 404: 'not found', 500: 'server error' } },
        (error: Error | null, answer: unknown) => {
          if (error === null) resolve(answer as Answer);
          else reject(error);
        },
      );
    });
  }
}
