import type { LimitName } from './config.js';
import type { OutputStream } from './provider.js';
import type { ResourceUsage } from './usage.js';

/**
 * All that is not the program's output: what a provider tells of preparing and running. The core writes it into the
 * execution's log; types that it does not know it writes as they are.
 */
export type Report =
  /** Phase `started`: the program runs from now on, and its deadline counts. Phase `ended`: its processes are gone. */
  | { readonly type: 'phase'; readonly phase: string; readonly message?: string }
  | { readonly type: 'progress'; readonly phase: string; readonly done: number; readonly total: number | null }
  | { readonly type: 'sample'; readonly usage: ResourceUsage }
  | { readonly type: 'notice'; readonly message: string }
  /** Limits were changed while it ran: their values from now on, each in its own unit (bytes, CPUs, a count, ms). */
  | {
      readonly type: 'limits';
      readonly message: string;
      readonly limits: Readonly<Partial<Record<LimitName, number>>>;
    }
  /** What became of a service. Healthy: it is up. */
  | {
      readonly type: 'service';
      readonly service: string;
      readonly state: 'starting' | 'healthy' | 'ended';
      /** Of one that ended, where it is known. */
      readonly exitCode?: number | null;
      /** A sentence. */
      readonly message: string;
    }
  /** A whole line of what a service writes, without its end. Longer than 16 KiB: several, all but the last `partial`. */
  | {
      readonly type: 'service';
      readonly service: string;
      readonly stream: OutputStream;
      readonly text: string;
      readonly partial?: true;
    }
  | { readonly type: 'network'; readonly [field: string]: unknown };

export type ReportSink = (report: Report) => void;
