import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestResultRecord } from '@ergon/sandbox-core';
import Database from 'libsql';
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

const hello: UnitInput = { type: 'solution', name: 'Hello', version: '1.0.0', content: { code: 'print(1)' } };

function result(number: number, fields: Partial<TestResultRecord> = {}): TestResultRecord {
  return {
    executionId: `execution-${number}`,
    timestamp: new Date(Date.UTC(2026, 0, 1, 0, number)).toISOString(),
    status: 'completed',
    exitCode: 0,
    executionTimeMs: 12.5,
    provider: 'sandbox-exec',
    errors: [],
    ...fields,
  };
}

test('a stored unit comes back with all of its fields, those that the registry does not know too', async () => {
  const { id, replaced } = await registry.store({
    ...hello,
    lineage: ['parent'],
    source: 'https://example.org',
    metadata: { author: 'Ada', depth: [1, { two: null }] },
    description: 'says hello to "Zoë" \u{1F600}',
  });
  expect(replaced).toBe(false);
  const stored = await registry.get(id);
  expect(stored?.testResults).toEqual([]);
  expect(stored?.unit).toEqual({
    ...hello,
    id,
    meets_standards: false,
    lineage: ['parent'],
    source: 'https://example.org',
    metadata: { author: 'Ada', depth: [1, { two: null }] },
    description: 'says hello to "Zoë" \u{1F600}',
    created: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/) as string,
    updated: stored?.unit.created,
  });
  expect(await registry.getSolution(id)).toEqual({
    id,
    name: 'Hello',
    version: '1.0.0',
    content: { code: 'print(1)' },
  });
});

test('a known id is replaced and keeps its creation time and its test results', async () => {
  await registry.store({ ...hello, id: 'abc123' });
  await registry.recordTestResult('abc123', result(1));
  const before = await registry.get('abc123');
  const again = await registry.store({ ...hello, id: 'abc123', name: 'Bye', created: '1999-01-01', test_results: [] });
  expect(again).toEqual({ id: 'abc123', replaced: true });
  const after = await registry.get('abc123');
  expect(after?.unit.name).toBe('Bye');
  expect(after?.unit.created).toBe(before?.unit.created);
  expect(after?.testResults).toEqual([result(1)]);
});

test('an unknown unit is null, and a result for it is no error', async () => {
  expect(await registry.get('nobody')).toBeNull();
  expect(await registry.getSolution('nobody')).toBeNull();
  await registry.recordTestResult('nobody', result(1));
  expect((await registry.statistics()).testResults).toBe(0);
});

test('the last ten results are kept, newest last, and one recorded twice is there once', async () => {
  await registry.store({ ...hello, id: 'a' });
  await registry.store({ ...hello, id: 'b' });
  for (let number = 12; number >= 1; number -= 1) await registry.recordTestResult('a', result(number));
  await registry.recordTestResult('b', result(1));
  await registry.recordTestResult('a', result(7, { status: 'failed', exitCode: 3, errors: ['It broke.'] }));
  const kept = (await registry.get('a'))?.testResults ?? [];
  expect(kept.map((one) => one.executionId)).toEqual([3, 4, 5, 6, 7, 8, 9, 10, 11, 12].map((n) => `execution-${n}`));
  expect(kept[4]).toEqual(result(7, { status: 'failed', exitCode: 3, errors: ['It broke.'] }));
  expect((await registry.get('b'))?.testResults).toHaveLength(1);
});

test('a search filters by type, by a part of the name in any case, by standards, and says when there is more', async () => {
  await registry.store({ ...hello, name: 'Ärger 100%', meets_standards: true });
  await registry.store({ ...hello, name: 'Second' });
  await registry.store({ ...hello, name: 'Third', type: 'tool' });
  const names = async (filter: Parameters<SqliteRegistry['search']>[0]): Promise<string[]> =>
    (await registry.search(filter)).units.map((unit) => unit.name);
  expect(await names({})).toEqual(['Third', 'Second', 'Ärger 100%']);
  expect(await names({ type: 'solution' })).toEqual(['Second', 'Ärger 100%']);
  expect(await names({ name: 'äRG' })).toEqual(['Ärger 100%']);
  expect(await names({ name: '%' })).toEqual(['Ärger 100%']);
  expect(await names({ name: '_' })).toEqual([]);
  expect(await names({ meetsStandards: false, type: 'tool' })).toEqual(['Third']);
  expect(await registry.search({ limit: 2 })).toMatchObject({
    units: [{ name: 'Third' }, { name: 'Second' }],
    truncated: true,
  });
  expect((await registry.search({ limit: 3 })).truncated).toBe(false);
  expect(await registry.types()).toEqual(['solution', 'tool']);
  expect(await registry.statistics()).toEqual({
    units: 3,
    byType: { solution: 2, tool: 1 },
    meetsStandards: 1,
    testResults: 0,
  });
});

test('a search answers with at most 32 MiB of units', async () => {
  const code = 'x'.repeat(12 * 1024 * 1024);
  for (const id of ['a', 'b', 'c']) await registry.store({ ...hello, id, content: { code } });
  const found = await registry.search();
  expect(found.units.map((unit) => unit.id)).toEqual(['c', 'b']);
  expect(found.truncated).toBe(true);
});

test('a unit that others were made from is deleted after them, not before', async () => {
  await registry.store({ ...hello, id: 'parent', lineage: ['parent'] });
  await registry.store({ ...hello, id: 'child', lineage: ['parent', 'parent'] });
  await registry.recordTestResult('child', result(1));
  expect(await registry.delete('parent')).toEqual({ dependents: ['child'] });
  expect(await registry.get('parent')).not.toBeNull();
  expect(await registry.delete('child')).toBe('deleted');
  expect((await registry.statistics()).testResults).toBe(0);
  expect(await registry.delete('parent')).toBe('deleted');
  expect(await registry.delete('parent')).toBe('unknown');
});

test('a replaced unit no longer depends on what it named before', async () => {
  await registry.store({ ...hello, id: 'parent' });
  await registry.store({ ...hello, id: 'child', lineage: ['parent'] });
  await registry.store({ ...hello, id: 'child', lineage: [] });
  expect(await registry.delete('parent')).toBe('deleted');
});

const deep = JSON.parse(`${'['.repeat(10_000)}${']'.repeat(10_000)}`) as unknown;
test.each<[string, unknown, string | RegExp]>([
  ['no object', [], 'The input: must be an object.'],
  ['no type', { ...hello, type: undefined }, 'type: must be text of 1 to 100 characters.'],
  ['an empty type', { ...hello, type: ' ' }, 'type: must be text of 1 to 100 characters.'],
  ['a number as name', { ...hello, name: 7 }, 'name: must be text of 1 to 200 characters.'],
  ['a long name', { ...hello, name: 'x'.repeat(201) }, 'name: must be text of 1 to 200 characters.'],
  ['a NUL in the name', { ...hello, name: 'a\0b' }, /^name: must not contain a control character/],
  ['half a surrogate pair', { ...hello, name: '\ud800' }, /^name: must not contain a control character/],
  ['no version', { ...hello, version: null }, 'version: must be text of 1 to 100 characters.'],
  ['content that is text', { ...hello, content: 'x' }, 'content: must be an object.'],
  ['an id with a slash', { ...hello, id: '../x' }, /^id: must be 1 to 128 letters/],
  ['a reserved id', { ...hello, id: 'types' }, 'id: must not be a name that the registry uses itself.'],
  ['standards as text', { ...hello, meets_standards: 'yes' }, 'meets_standards: must be true or false.'],
  ['a lineage of numbers', { ...hello, lineage: ['a', 4] }, /^lineage\.1: must be 1 to 128 letters/],
  ['a source that is a number', { ...hello, source: 4 }, 'source: must be text, an object or null.'],
  ['metadata that is a list', { ...hello, metadata: [] }, 'metadata: must be an object.'],
  ['deep content', { ...hello, content: { deep } }, 'content: must not be nested more than 64 levels deep.'],
  ['a deep extra field', { ...hello, extra: deep }, 'extra: must not be nested more than 64 levels deep.'],
  [
    'content of too many values',
    { ...hello, content: { a: Array.from({ length: 100_000 }, () => []) } },
    'The input: must have at most 100000 values, counted at any depth.',
  ],
  [
    'too many fields',
    Object.fromEntries(Array.from({ length: 100_000 }, (_, n) => [`k${n}`, 1])),
    /^The input: must have/,
  ],
  ['metadata that is a Map', { ...hello, metadata: new Map() }, 'metadata: must be an object.'],
  ['too much', { ...hello, content: { code: 'x'.repeat(17 * 1024 * 1024) } }, /^content: is too large; the unit has/],
])('%s is refused with a sentence that names the field', async (_case, unit, sentence) => {
  await expect(registry.store(unit as UnitInput)).rejects.toMatchObject({
    code: 'SANDBOX008',
    message: typeof sentence === 'string' ? sentence : (expect.stringMatching(sentence) as string),
  });
  expect((await registry.statistics()).units).toBe(0);
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
    const begun = performance.now();
    await work();
    took[what] = performance.now() - begun;
  };
  const unit = dearUnit('dear');
  await timed('store', () => registry.store(unit));
  await timed('get', () => registry.get('dear'));
  await timed('search', () => registry.search());
  // Twenty times less than unbounded ones took, and some times more than on an idle machine.
  expect(Math.max(...Object.values(took))).toBeLessThan(1000);
});

test('a field named __proto__ changes nothing', async () => {
  const input = JSON.parse(
    `{"type":"t","name":"n","version":"1","content":{"__proto__":{"x":1}},"__proto__":{"id":"evil"}}`,
  ) as UnitInput;
  const { id } = await registry.store(input);
  expect(id).not.toBe('evil');
  const unit = (await registry.get(id))?.unit;
  expect(unit?.id).toBe(id);
  expect(unit?.content.x).toBeUndefined();
  expect(({} as Record<string, unknown>).x).toBeUndefined();
});

test('an id from outside that is no id finds nothing', async () => {
  await registry.store({ ...hello, id: 'abc' });
  for (const id of ['', 'abc\0', "abc' OR 1=1", '%']) expect(await registry.get(id)).toBeNull();
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
