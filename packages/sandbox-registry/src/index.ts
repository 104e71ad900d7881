export type { Registry, RegistryStatistics, SearchFilter, SearchResult, StoredUnit } from './registry.js';
export { SqliteRegistry } from './sqlite-registry.js';
export { keptTestResults, maxUnitBytes, maxUnitValues, unitIdSchema, unitSchema } from './unit.js';
export type { Unit, UnitInput } from './unit.js';
