import type { components } from './wire/openapi.js';

type Schemas = components['schemas'];

/** Limits to ask for; absent: the default, or what is in force. */
export interface LimitOptions {
  /** Seconds that a run may take. @default 300 */
  readonly timeout?: number;
  /** @default "4g" */
  readonly memoryLimit?: string;
  /** CPUs. @default 4 */
  readonly cpuLimit?: number;
  /** Of workspace and output. @default "1g" */
  readonly diskLimit?: string;
  /** Processes. @default 256 */
  readonly pidsLimit?: number;
  /** What is kept of the output. @default "64m" */
  readonly outputLimit?: string;
}

/** Limits in force. */
export interface Limits {
  /** Seconds. */
  readonly timeout: number;
  /** Bytes. */
  readonly memoryLimit: number;
  /** CPUs. */
  readonly cpuLimit: number;
  /** Bytes. */
  readonly diskLimit: number;
  readonly pidsLimit: number;
  /** Bytes. */
  readonly outputLimit: number;
  /** What was lowered or raised to what can be kept, in sentences. */
  readonly notes: readonly string[];
}

/** As the wire has them. */
export function limitFields({
  timeout,
  memoryLimit,
  cpuLimit,
  diskLimit,
  pidsLimit,
  outputLimit,
}: { readonly [Name in keyof LimitOptions]: LimitOptions[Name] | undefined }): {
  timeout?: number;
  memory_limit?: string;
  cpu_limit?: number;
  disk_limit?: string;
  pids_limit?: number;
  output_limit?: string;
} {
  return {
    ...(timeout !== undefined && { timeout }),
    ...(memoryLimit !== undefined && { memory_limit: memoryLimit }),
    ...(cpuLimit !== undefined && { cpu_limit: cpuLimit }),
    ...(diskLimit !== undefined && { disk_limit: diskLimit }),
    ...(pidsLimit !== undefined && { pids_limit: pidsLimit }),
    ...(outputLimit !== undefined && { output_limit: outputLimit }),
  };
}

export function limitsOf(wire: Schemas['Limits'], notes: readonly string[]): Limits {
  return {
    timeout: wire.timeout,
    memoryLimit: wire.memory_limit,
    cpuLimit: wire.cpu_limit,
    diskLimit: wire.disk_limit,
    pidsLimit: wire.pids_limit,
    outputLimit: wire.output_limit,
    notes,
  };
}
