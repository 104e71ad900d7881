export { SECCOMP_POLICY, WATCHED_POLICY } from './policy.js';
export type { ArgumentTest, SeccompArch, SyscallRule } from './policy.js';
export { containerProfile } from './profile.js';
export type { ArgumentCondition, ContainerArch, ContainerProfile, ContainerRule } from './profile.js';
export { seccompProgram } from './program.js';
