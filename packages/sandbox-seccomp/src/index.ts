export { SECCOMP_POLICY, WATCHED_POLICY } from './policy.js';
export type { ArgumentTest, SeccompArch, SyscallRule } from './policy.js';
export { seccompProgram } from './program.js';
