export { describeRegistry } from './describe-registry.js';
export type { RegistrySuiteOptions } from './describe-registry.js';
export { HttpRegistry } from './http-registry.js';
export type { HttpRegistryOptions } from './http-registry.js';
export { registryTokenSchema, registryUrlSchema } from './http-options.js';
export type { Registry, RegistryStatistics, SearchFilter, SearchResult, StoredUnit } from './registry.js';
export { SqliteRegistry } from './sqlite-registry.js';
export { keptTestResults, maxUnitBytes, maxUnitValues, unitIdSchema, unitSchema } from './unit.js';
export type { Unit, UnitInput } from './unit.js';
