import type { ProviderPorts, SandboxConfig, SandboxProvider } from '@ergon/sandbox-core';

/** What a provider's author hands to the suite. */
export interface ConformanceOptions {
  /** `test` of jest, vitest or node:test. Called once for each test, before `describeProvider` returns. */
  readonly test: (name: string, body: () => Promise<void>, timeoutMs: number) => unknown;
  /** Makes the provider as a host would. Called for a provider that most tests share, and again by tests about two of them. */
  readonly createProvider: (ports: ProviderPorts) => SandboxProvider | Promise<SandboxProvider>;
  readonly fixtures: ConformanceFixtures;
  /** Where the report is written, as `<reportFile>.md` and `<reportFile>.json`. Absent: it is only printed. */
  readonly reportFile?: string;
}

/** What the suite cannot know or do by itself. */
export interface ConformanceFixtures {
  /** What every sandbox of the suite asks for besides, e.g. `{ image: 'python:3.12' }` or `{ language: 'python' }`. */
  readonly config?: ConfigAddition;
  /** How Python 3 is called inside. Null: there is none, and the tests that need it are listed as not run. @default 'python3' */
  readonly python?: string | null;
  /** Takes the environment away underneath, as a foreign hand would: kills the container, the sandbox's init, the virtual machine. */
  vanish(sandbox: { readonly sandboxId: string; readonly instanceId: string }): Promise<void>;
  /**
   * Names of all that exists of an instance where sandboxes are made: processes, cgroups, mounts, containers, volumes, networks, folders.
   * Has to look at the system, not at the provider's own notes: what is not found here, no test can miss.
   * @param sandboxIds the sandboxes that the suite asked for under that instance
   */
  leftovers(instanceId: string, sandboxIds: readonly string[]): Promise<readonly string[]>;
  /** A service outside that a sandbox with network `full` can reach. Absent: that it can reach something is not tested. */
  readonly reachable?: TcpService;
  /** What is open beside a sandbox and has to be closed to it. Absent: that walls close what is open without them is tested on this machine alone. */
  readonly beside?: Surroundings;
}

export interface TcpService {
  /** An IP address. */
  readonly host: string;
  readonly port: number;
}

/** Of the machine on which programs run, which may be another than this one, or have a network namespace of its own. */
export interface Surroundings {
  /**
   * Services at addresses of that machine: its own, and those at which clouds hand out credentials (169.254.169.254, …), given to it for the test.
   * Listening on all addresses, a service is looked for at the gateway of a sandbox, too.
   */
  readonly services: readonly TcpService[];
  /** Whether whoever has no walls around it reaches one from there, e.g. a plain container: a service that nobody reaches would prove nothing. */
  reaches(service: TcpService): Promise<boolean>;
}

/** Fields of a configuration that the suite leaves to the author. */
export type ConfigAddition = Partial<
  Omit<
    SandboxConfig,
    'sandboxId' | 'instanceId' | 'limits' | 'network' | 'environment' | 'mounts' | 'signal' | 'report'
  >
>;
