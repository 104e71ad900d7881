export * from './fields.js';
export { describeLimit, fitToMachine, requireCeiling, resolveLimits } from './limits.js';
export type { LimitWishes, ResolvedLimits } from './limits.js';
export * from './parse.js';
export { requestSchema } from './request.js';
export type { LimitsRequest, ParsedRequest, SandboxRequest } from './request.js';
export { servicesField } from './services.js';
export * from './size.js';
