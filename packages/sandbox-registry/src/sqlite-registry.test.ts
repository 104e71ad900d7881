import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'libsql';
import { describeRegistry } from './describe-registry.js';
import { SqliteRegistry } from './sqlite-registry.js';
import type { UnitInput } from './unit.js';

const folder = mkdtempSync(join(tmpdir(), 'registry-'));
const file = join(folder, 'registry.db');
let registry: SqliteRegistry;

beforeEach(() => {
  registry = new SqliteRegistry(file);
});
afterEach(async () => {
  await registry[Symbol.asyncDispose]();
  for (const ending of ['', '-wal', '-shm']) rmSync(`${file}${ending}`, { force: true });
});
afterAll(() => rmSync(folder, { recursive: true }));

describeRegistry({ test, open: async () => new SqliteRegistry(file) });

const hello: UnitInput = { type: 'solution', name: 'Hello', version: '1.0.0', content: { code: 'print(1)' } };

test('a search answers with at most 32 MiB of units', async () => {
  const code = 'x'.repeat(12 * 1024 * 1024);
  for (const id of ['a', 'b', 'c']) await registry.store({ ...hello, id, content: { code } });
  const found = await registry.search();
  expect(found.units.map((unit) => unit.id)).toEqual(['c', 'b']);
  expect(found.truncated).toBe(true);
});

/** A little of everything that makes a unit dear: as many values as may be, in `content` and beside it, and long text. */
function dearUnit(id: string): UnitInput {
  const names = (count: number): Record<string, unknown> =>
    Object.fromEntries(Array.from({ length: count }, (_, number) => [`name-${number}`, []]));
  const content = { ...names(60_000), code: 'x'.repeat(15 * 1024 * 1024 - 600_000) };
  return { ...hello, id, content, ...names(39_000) };
}

test('the largest unit that is taken holds the event loop as briefly as the README says', async () => {
  const took: Record<string, number> = {};
  const timed = async (what: string, work: () => Promise<unknown>): Promise<void> => {
    const begun = process.cpuUsage(); // all of it is work, and a busy machine adds nothing
    await work();
    const { user, system } = process.cpuUsage(begun);
    took[what] = (user + system) / 1000;
  };
  const unit = dearUnit('dear');
  await timed('store', () => registry.store(unit));
  await timed('get', () => registry.get('dear'));
  await timed('search', () => registry.search());
  // Twenty times less than unbounded ones took, and some times more than on an idle machine.
  expect(Math.max(...Object.values(took))).toBeLessThan(1000);
});

test('the file is for its owner only', () => {
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(statSync(`${file}-wal`).mode & 0o777).toBe(0o600);
});

test('two processes may use the file at once', async () => {
  const other = new SqliteRegistry(file);
  await registry.store({ ...hello, id: 'here' });
  await other.store({ ...hello, id: 'there' });
  expect((await registry.search()).units.map((unit) => unit.id)).toEqual(['there', 'here']);
  await other[Symbol.asyncDispose]();
  await other[Symbol.asyncDispose]();
});

test('a file that is no registry, or one of a newer version, is refused with a sentence that names it', async () => {
  const bad = join(folder, 'bad.db');
  writeFileSync(bad, 'this is not a database '.repeat(100));
  expect(() => new SqliteRegistry(bad)).toThrow(/registry .*bad\.db cannot be opened: file is not a database/);
  expect(() => new SqliteRegistry(join(folder, 'none', 'x.db'))).toThrow(/cannot be opened: .*ENOENT/);
  const newer = join(folder, 'newer.db');
  const database = new Database(newer);
  database.exec('PRAGMA user_version = 9');
  database.close();
  expect(() => new SqliteRegistry(newer)).toThrow(/was written by a newer version \(its format is 9/);
});
