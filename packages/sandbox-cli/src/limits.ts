import type { OpenOptions } from '@ergon/sandbox-client';
import { Failure } from './failure.js';

/** What the options of `run`, `test` and `add` ask of a sandbox. */
export interface LimitOptions {
  readonly provider?: string;
  readonly timeout?: number;
  readonly memory?: string;
  readonly cpu?: number;
  readonly disk?: string;
  readonly pids?: number;
  readonly network?: 'none' | 'full';
  readonly image?: string;
  readonly env?: readonly string[];
  readonly strict?: boolean;
  readonly volume?: readonly string[];
}

/** The same for the core and for a server. */
export interface LimitRequest extends Pick<
  OpenOptions,
  'provider' | 'timeout' | 'memoryLimit' | 'cpuLimit' | 'diskLimit' | 'pidsLimit' | 'image' | 'environment' | 'strict'
> {
  readonly network?: 'none' | 'full';
  readonly volumes?: string[];
}

/** Fields of a request, on the wire and in the core, by the options that set them. */
const optionsOfFields: Readonly<Record<string, string>> = {
  provider: '--provider',
  timeout: '--timeout',
  memory_limit: '--memory',
  memoryLimit: '--memory',
  cpu_limit: '--cpu',
  cpuLimit: '--cpu',
  disk_limit: '--disk',
  diskLimit: '--disk',
  pids_limit: '--pids',
  pidsLimit: '--pids',
  network: '--network',
  image: '--image',
  environment: '--env',
  volumes: '--volume',
  command: 'The command',
  limit: '--limit',
  solution_id: 'The solution',
  name: 'The name',
};

/** A sentence about a field, as one about the option that set it. */
export function sentenceForOptions(sentence: string, field: string | undefined): string {
  const [name = ''] = (field ?? '').split('.');
  const option = optionsOfFields[name];
  return option !== undefined && sentence.startsWith(name) ? `${option}${sentence.slice(name.length)}` : sentence;
}

/** @throws Failure for a variable that is to be taken from the environment and is not there */
export function requestOf(options: LimitOptions): LimitRequest {
  const { memory, cpu, disk, pids, env = [] } = options;
  return defined({
    provider: options.provider,
    timeout: options.timeout,
    memoryLimit: memory,
    cpuLimit: cpu,
    diskLimit: disk,
    pidsLimit: pids,
    image: options.image,
    network: options.network,
    environment: env.length > 0 ? environmentOf(env) : undefined,
    strict: options.strict,
    volumes: options.volume === undefined ? undefined : [...options.volume],
  });
}

function environmentOf(given: readonly string[]): Record<string, string> {
  const pairs = given.map((text): [string, string] => {
    const [name = '', ...value] = text.split('=');
    if (value.length > 0) return [name, value.join('=')];
    const inherited = process.env[name];
    if (inherited === undefined) {
      throw new Failure(`--env ${name}: there is no variable "${name}" here.`, `Give its value: --env ${name}=VALUE.`);
    }
    return [name, inherited];
  });
  return Object.fromEntries(pairs);
}

type Defined<Fields> = { [Name in keyof Fields]?: Exclude<Fields[Name], undefined> };

function defined<Fields extends object>(fields: Fields): Defined<Fields> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Defined<Fields>;
}
