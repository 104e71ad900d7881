export { SandboxClient } from './client.js';
export type { HistoryOptions, HistoryRow, ProviderStatus, SandboxClientOptions } from './client.js';
export { Commands } from './commands.js';
export type { Command, RunOptions, StartOptions } from './commands.js';
export { SandboxApiError, SandboxCommandError, SandboxConnectionError } from './errors.js';
export type { ErrorCode, SandboxApiErrorOptions } from './errors.js';
export type {
  Cause,
  EndEvent,
  ErrorEvent,
  MetricsEvent,
  OutputEvent,
  SandboxEvent,
  Status,
  Usage,
  WireEvent,
} from './events/event.js';
export type { FollowOptions } from './events/follow.js';
export { Execution, Stdin } from './execution.js';
export type { SignalOption, WaitOptions } from './execution.js';
export { Files } from './files.js';
export type { FileContent, FileEntry, Listing } from './files.js';
export type { LimitOptions, Limits } from './limits.js';
export { Output } from './output.js';
export type { OutputFile } from './output.js';
export { Pty, Ptys } from './pty.js';
export type { PtyOptions, PtySize } from './pty.js';
export type { CommandResult, Metrics, Result } from './result.js';
export { ReadableFiles } from './readable-files.js';
export type { ArchiveOptions, ReadOptions } from './readable-files.js';
export type { ReconnectOptions } from './retry.js';
export { Sandbox } from './sandbox.js';
export { Sandboxes } from './sandboxes.js';
export type { OpenOptions, SandboxSummary } from './sandboxes.js';
export { Solutions } from './solutions.js';
export type { NewUnit, SearchOptions, TestResult, Unit } from './solutions.js';
export { Volumes } from './volumes.js';
export type { Volume } from './volumes.js';
export { Wire } from './wire/wire.js';
export type { LogOptions } from './wire/wire.js';
