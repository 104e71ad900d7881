import type { OutputStream } from './provider.js';
import type { Report } from './report.js';
import type { EndCause, SandboxStatus } from './status.js';

/** What the core and a provider write into an execution's log, besides the program's output. */
export type LogEntry =
  | Report
  /** A sentence for people: `[error] …`. */
  | { readonly type: 'error'; readonly message: string; readonly code?: string }
  | { readonly type: 'status'; readonly status: SandboxStatus }
  | {
      readonly type: 'end';
      readonly status: SandboxStatus;
      readonly cause: EndCause;
      readonly exitCode: number | null;
    };

/** A whole line, without its end (`\n` or `\r\n`); a `\r` within it stays. Longer than 1 MiB: several, all but the last `partial`. */
export interface LineEvent {
  readonly type: 'line';
  readonly stream: OutputStream;
  readonly line: string;
  readonly partial?: true;
}

/** Bytes as they came. */
export interface DataEvent {
  readonly type: 'data';
  readonly stream: OutputStream;
  readonly data: Uint8Array;
}

/** A numbered event of an execution's log. `seq` counts from 1, grows, and names an event for ever; `at` is in ms since the start. */
export type ExecutionEvent = (LogEntry | LineEvent | DataEvent) & { readonly seq: number; readonly at: number };
