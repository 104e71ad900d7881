import { closeSync, openSync } from 'node:fs';
import { SandboxError, sentenceOf } from '@ergon/sandbox-core';
import Database from 'libsql';

const version = 1;

const tables = `
  CREATE TABLE units (
    id TEXT PRIMARY KEY,
    type TEXT NOT NULL,
    name_folded TEXT NOT NULL,
    meets_standards INTEGER NOT NULL,
    created TEXT NOT NULL,
    updated TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    document TEXT NOT NULL
  ) STRICT;
  CREATE INDEX units_by_type ON units (type);
  CREATE INDEX units_by_created ON units (created);
  CREATE TABLE lineage (
    unit_id TEXT NOT NULL REFERENCES units (id) ON DELETE CASCADE,
    parent_id TEXT NOT NULL,
    PRIMARY KEY (unit_id, parent_id)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX lineage_by_parent ON lineage (parent_id);
  CREATE TABLE test_results (
    unit_id TEXT NOT NULL REFERENCES units (id) ON DELETE CASCADE,
    execution_id TEXT NOT NULL,
    timestamp TEXT NOT NULL,
    record TEXT NOT NULL,
    PRIMARY KEY (unit_id, execution_id)
  ) STRICT;
  PRAGMA user_version = ${version};
`;

/**
 * Opens the registry's database, making it where there is none. Its folder must exist.
 * @throws SandboxError SANDBOX008 when the file is not a registry that this version can read
 */
export function openDatabase(file: string): Database.Database {
  let database: Database.Database | undefined;
  try {
    // For its owner only; SQLite gives the same mode to the log beside it.
    closeSync(openSync(file, 'a', 0o600));
    database = new Database(file);
    // Another process with the same file is waited for (libsql's own default is 0).
    database.exec('PRAGMA busy_timeout = 5000');
    database.exec('PRAGMA journal_mode = WAL');
    // With FULL, a commit is on the disk when it returns.
    database.exec('PRAGMA synchronous = FULL');
    database.exec('PRAGMA foreign_keys = ON');
    migrate(database, file);
    return database;
  } catch (error) {
    database?.close();
    if (error instanceof SandboxError) throw error;
    throw new SandboxError('SANDBOX008', `The registry ${file} cannot be opened: ${sentenceOf(error)}.`, {
      cause: error,
    });
  }
}

function migrate(database: Database.Database, file: string): void {
  database
    .transaction(() => {
      const found = (database.prepare('PRAGMA user_version').get() as { user_version: number }).user_version;
      if (found === version) return;
      if (found !== 0) {
        throw new SandboxError(
          'SANDBOX008',
          `The registry ${file} was written by a newer version (its format is ${found}, this version knows ${version}).`,
        );
      }
      database.exec(tables);
    })
    .immediate();
}
