import { randomUUID } from 'node:crypto';
import { setImmediate as othersWereServed } from 'node:timers/promises';
import type { StoredSolution, TestResultRecord } from '@ergon/sandbox-core';
import { hasErrorCode, parseInput, SandboxError } from '@ergon/sandbox-core';
import type Database from 'libsql';
import { z } from 'zod';
import { openDatabase } from './database.js';
import type { Registry, RegistryStatistics, SearchFilter, SearchResult, StoredUnit } from './registry.js';
import {
  countRowSchema,
  documentSchema,
  foundRowSchema,
  idRowSchema,
  recordRowSchema,
  recordSchema,
  typeRowSchema,
  unitRowSchema,
} from './rows.js';
import { searchFilterSchema } from './search-filter.js';
import { takeRecords } from './test-results.js';
import type { Unit, UnitInput } from './unit.js';
import { documentOf, keptTestResults, unitSchema } from './unit.js';

/** A search answers with at most so many bytes of units, so that no filter makes a server hold them all. */
const maxSearchBytes = 32 * 1024 * 1024;
const namedDependents = 10;

/**
 * A registry in one SQLite file. A unit or result is on the disk when its promise resolves, whatever ends the process.
 *
 * @example
 * await using registry = new SqliteRegistry('/var/lib/ergon-sandbox/registry.db');
 * const { id } = await registry.store({ type: 'solution', name: 'hello', version: '1.0.0', content: { code: 'print(1)' } });
 */
export class SqliteRegistry implements Registry {
  readonly #database: Database.Database;

  /** @param file its folder must exist. @throws SandboxError SANDBOX008 when it is not a registry. */
  constructor(file: string) {
    this.#database = openDatabase(file);
  }

  async store(input: UnitInput): Promise<{ readonly id: string; readonly replaced: boolean }> {
    const { id = randomUUID(), ...unit } = parseInput(unitSchema, input);
    const { metadata, records } = takeRecords(unit.metadata);
    const { document, bytes } = documentOf({ ...unit, metadata });
    const now = new Date().toISOString();
    const replaced = this.#transaction(() => {
      const known = this.#get(idRowSchema, 'SELECT id FROM units WHERE id = ?', id) !== null;
      this.#run(
        `INSERT INTO units (id, type, name_folded, meets_standards, created, updated, bytes, document) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (id) DO UPDATE SET type = excluded.type, name_folded = excluded.name_folded, bytes = excluded.bytes,
           meets_standards = excluded.meets_standards, updated = excluded.updated, document = excluded.document`,
        ...[id, unit.type, unit.name.toLowerCase(), unit.meets_standards === true ? 1 : 0, now, now, bytes, document],
      );
      this.#run('DELETE FROM lineage WHERE unit_id = ?', id);
      for (const parent of new Set(unit.lineage ?? [])) this.#run('INSERT INTO lineage VALUES (?, ?)', id, parent);
      for (const record of records) this.#insertResult(id, record);
      return known;
    });
    return { id, replaced };
  }

  async search(filter: SearchFilter = {}): Promise<SearchResult> {
    const { type, name, meetsStandards, limit } = parseInput(searchFilterSchema, filter);
    const conditions: string[] = [];
    const values: (string | number)[] = [];
    const where = (condition: string, value: string | number): void => {
      conditions.push(condition);
      values.push(value);
    };
    if (type !== undefined) where('type = ?', type);
    if (name !== undefined) where('instr(name_folded, ?) > 0', name.toLowerCase());
    if (meetsStandards !== undefined) where('meets_standards = ?', meetsStandards ? 1 : 0);
    const found = this.#all(
      foundRowSchema,
      `SELECT id, bytes FROM units ${conditions.length > 0 ? `WHERE ${conditions.join(' AND ')}` : ''}
       ORDER BY created DESC, rowid DESC LIMIT ?`,
      ...values,
      limit + 1,
    );
    const units: Unit[] = [];
    let bytes = 0;
    for (const row of found.slice(0, limit)) {
      bytes += row.bytes;
      if (bytes > maxSearchBytes) break;
      const unit = this.#unit(row.id);
      if (unit !== null) units.push(unit); // null: deleted since
      await othersWereServed();
    }
    return { units, truncated: units.length < found.length };
  }

  async types(): Promise<readonly string[]> {
    return this.#unitsByType().map((row) => row.type);
  }

  async statistics(): Promise<RegistryStatistics> {
    const count = (from: string): number =>
      this.#get(countRowSchema, `SELECT count(*) AS count FROM ${from}`)?.count ?? 0;
    return {
      units: count('units'),
      byType: Object.fromEntries(this.#unitsByType().map((row) => [row.type, row.units])),
      meetsStandards: count('units WHERE meets_standards = 1'),
      testResults: count('test_results'),
    };
  }

  async get(id: string): Promise<StoredUnit | null> {
    const unit = this.#unit(id);
    return unit === null ? null : { unit, testResults: this.#testResults(id) };
  }

  async delete(id: string): Promise<'deleted' | 'unknown' | { readonly dependents: readonly string[] }> {
    return this.#transaction(() => {
      if (this.#get(idRowSchema, 'SELECT id FROM units WHERE id = ?', id) === null) return 'unknown';
      const dependents = this.#all(
        idRowSchema,
        'SELECT unit_id AS id FROM lineage WHERE parent_id = ? AND unit_id <> ? ORDER BY unit_id LIMIT ?',
        ...[id, id, namedDependents],
      );
      if (dependents.length > 0) return { dependents: dependents.map((row) => row.id) };
      this.#run('DELETE FROM units WHERE id = ?', id);
      return 'deleted';
    });
  }

  async getSolution(id: string): Promise<StoredSolution | null> {
    const unit = this.#unit(id);
    return unit === null ? null : { id: unit.id, name: unit.name, version: unit.version, content: unit.content };
  }

  /** The same execution recorded again replaces its first record. */
  async recordTestResult(solutionId: string, result: TestResultRecord): Promise<void> {
    const record = parseInput(recordSchema, result);
    this.#transaction(() => this.#insertResult(solutionId, record));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#database.open) this.#database.close();
  }

  #insertResult(unitId: string, record: TestResultRecord): void {
    this.#run(
      `INSERT INTO test_results (unit_id, execution_id, timestamp, record) SELECT id, ?, ?, ? FROM units WHERE id = ?
       ON CONFLICT (unit_id, execution_id) DO UPDATE SET timestamp = excluded.timestamp, record = excluded.record`,
      ...[record.executionId, new Date(record.timestamp).toISOString(), JSON.stringify(record), unitId],
    );
    this.#run(
      `DELETE FROM test_results WHERE unit_id = ?1 AND rowid NOT IN
       (SELECT rowid FROM test_results WHERE unit_id = ?1 ORDER BY timestamp DESC, rowid DESC LIMIT ${keptTestResults})`,
      unitId,
    );
  }

  #unit(id: string): Unit | null {
    const row = this.#get(unitRowSchema, 'SELECT id, created, updated, document FROM units WHERE id = ?', id);
    if (row === null) return null;
    const document = documentSchema.parse(JSON.parse(row.document));
    return {
      ...document,
      id: row.id,
      meets_standards: document.meets_standards ?? false,
      lineage: document.lineage ?? [],
      created: row.created,
      updated: row.updated,
    };
  }

  #testResults(id: string): TestResultRecord[] {
    return this.#all(
      recordRowSchema,
      'SELECT record FROM test_results WHERE unit_id = ? ORDER BY timestamp, rowid',
      id,
    ).map((row) => recordSchema.parse(JSON.parse(row.record)));
  }

  #unitsByType(): z.output<typeof typeRowSchema>[] {
    return this.#all(typeRowSchema, 'SELECT type, count(*) AS units FROM units GROUP BY type ORDER BY type');
  }

  #get<Schema extends z.ZodType>(schema: Schema, sql: string, ...values: (string | number)[]): z.output<Schema> | null {
    const row = this.#database.prepare(sql).get(values);
    return row === undefined ? null : schema.parse(row);
  }

  #all<Schema extends z.ZodType>(schema: Schema, sql: string, ...values: (string | number)[]): z.output<Schema>[] {
    return z.array(schema).parse(this.#database.prepare(sql).all(values));
  }

  #run(sql: string, ...values: (string | number)[]): void {
    this.#database.prepare(sql).run(values);
  }

  #transaction<Value>(work: () => Value): Value {
    try {
      this.#database.exec('BEGIN IMMEDIATE');
      const value = work();
      this.#database.exec('COMMIT');
      return value;
    } catch (error) {
      // A full disk has ended the transaction already, and what that was must not be hidden by a failure to end it again.
      if (this.#database.inTransaction) this.#database.exec('ROLLBACK');
      if (!isDiskFull(error)) throw error;
      throw new SandboxError('SANDBOX004', 'The disk that has the registry is full; nothing was stored.', {
        cause: error,
      });
    }
  }
}

function isDiskFull(error: unknown): boolean {
  return ['SQLITE_FULL', 'SQLITE_IOERR_WRITE'].some((code) => hasErrorCode(error, code));
}
