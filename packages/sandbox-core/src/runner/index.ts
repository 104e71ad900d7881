export type { Execution, FollowOptions } from './execution.js';
export type { HistoryRow } from './history.js';
export type { Ceiling } from './configure.js';
export { isInstanceAlive, newInstanceId } from './instance.js';
export { SandboxRunner } from './runner.js';
export type { ActiveSandbox, RunnerOptions } from './runner.js';
export { Sandbox } from './sandbox.js';
export type { ExecuteRequest } from './execute-request.js';
export type { KeptFile, KeptOutput } from './outputs.js';
