import type { SolutionRegistry, TestResultRecord } from '@ergon/sandbox-core';
import type { Unit, UnitInput } from './unit.js';

export interface SearchFilter {
  /** Exactly this type. */
  readonly type?: string;
  /** A part of the name, in any case. */
  readonly name?: string;
  readonly meetsStandards?: boolean;
  /** 1 to 1000. @default 100 */
  readonly limit?: number;
}

export interface SearchResult {
  /** Newest first. */
  readonly units: readonly Unit[];
  /** More units fit the filter than the limit, or 32 MiB, let through. */
  readonly truncated: boolean;
}

export interface StoredUnit {
  readonly unit: Unit;
  /** The last ten, newest last. */
  readonly testResults: readonly TestResultRecord[];
}

export interface RegistryStatistics {
  readonly units: number;
  /** Null: the registry does not tell. */
  readonly byType: Readonly<Record<string, number>> | null;
  readonly meetsStandards: number;
  /** Null: the registry does not tell. */
  readonly testResults: number | null;
}

/** A store of units (solutions among them). What was acknowledged is durable. */
export interface Registry extends SolutionRegistry, AsyncDisposable {
  /**
   * Stores a unit, under its `id` if it has one. A known id is replaced and keeps `created` and its test results.
   * @throws SandboxError SANDBOX008 naming the field at fault
   */
  store(unit: UnitInput): Promise<{ readonly id: string; readonly replaced: boolean }>;
  /** @throws SandboxError SANDBOX008 */
  search(filter?: SearchFilter): Promise<SearchResult>;
  /** The types in use, sorted. */
  types(): Promise<readonly string[]>;
  statistics(): Promise<RegistryStatistics>;
  /** Null: no such unit. */
  get(id: string): Promise<StoredUnit | null>;
  /** Deletes nothing where other units name this one in their `lineage`; those are the dependents, at most ten of them. */
  delete(id: string): Promise<'deleted' | 'unknown' | { readonly dependents: readonly string[] }>;
}
