import type { MacRuntimes } from './runtimes.js';
import type { MacTools } from './tools.js';

/** What the probe found, and everything later relies on. */
export interface MacMachine {
  readonly tools: MacTools;
  /** E.g. `15.3.1`. */
  readonly version: string;
  readonly runtimes: MacRuntimes;
  /** What was found to start in a sandbox. */
  readonly languages: readonly string[];
  readonly cpus: number;
  readonly memoryBytes: number;
}
