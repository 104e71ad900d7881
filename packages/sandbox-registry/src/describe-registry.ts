import assert from 'node:assert/strict';
import type { TestResultRecord } from '@ergon/sandbox-core';
import type { Registry, SearchFilter } from './registry.js';
import type { UnitInput } from './unit.js';

export interface RegistrySuiteOptions {
  /** Of jest, vitest or `node:test`. */
  readonly test: (name: string, body: () => Promise<void>) => unknown;
  /** An empty registry. The suite disposes of it; what is behind it is yours to take away. */
  readonly open: () => Promise<Registry>;
  /**
   * An existing Ergon Registry is behind it, which keeps no fields but the wire's own, counts no more than units, and takes a unit that
   * names itself in its `lineage` for its own dependent. @default false
   */
  readonly existing?: boolean;
}

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

/**
 * The tests that every {@link Registry} has to pass, ours and yours.
 *
 * @example
 * describeRegistry({ test, open: async () => new SqliteRegistry(join(await mkdtemp(tmpdir()), 'registry.db')) });
 */
export function describeRegistry({ test, open, existing = false }: RegistrySuiteOptions): void {
  const check = (name: string, body: (registry: Registry) => Promise<void>): void => {
    test(name, async () => {
      const registry = await open();
      try {
        await body(registry);
      } finally {
        await registry[Symbol.asyncDispose]();
      }
    });
  };
  const namesFound = async (registry: Registry, filter: SearchFilter): Promise<string[]> =>
    (await registry.search(filter)).units.map((unit) => unit.name);

  check('a stored unit comes back with all of its fields', async (registry) => {
    const unit = {
      ...hello,
      lineage: ['parent'],
      source: { location: 'https://example.org' },
      metadata: { author: 'Ada', depth: [1, { two: null }] },
    };
    const extra = { description: 'says hello to "Zoë" \u{1F600}' };
    const { id, replaced } = await registry.store({ ...unit, ...extra });
    assert.equal(replaced, false);
    const stored = await registry.get(id);
    const { created, updated, ...fields } = stored?.unit ?? assert.fail('it is not there');
    assert.match(created, /^\d{4}-\d\d-\d\dT.*Z$/);
    assert.equal(updated, created);
    assert.deepEqual(fields, { ...unit, id, meets_standards: false, ...(!existing && extra) });
    assert.deepEqual(stored?.testResults, []);
    assert.deepEqual(await registry.getSolution(id), {
      id,
      name: 'Hello',
      version: '1.0.0',
      content: { code: 'print(1)' },
    });
  });

  check('a unit of 15 MiB comes back whole', async (registry) => {
    const code = '\u00e4"\\\n'.repeat(1_900_000);
    const { id } = await registry.store({ ...hello, content: { code } });
    await registry.recordTestResult(id, result(1));
    const stored = await registry.get(id);
    assert.ok(stored?.unit.content.code === code, 'its text is another');
    assert.equal(stored.testResults.length, 1);
  });

  check('a known id is replaced and keeps its creation time and its test results', async (registry) => {
    await registry.store({ ...hello, id: 'abc123', metadata: { author: 'Ada' } });
    await registry.recordTestResult('abc123', result(1));
    const before = await registry.get('abc123');
    const again = { ...hello, id: 'abc123', name: 'Bye', created: '1999-01-01', test_results: [] };
    assert.deepEqual(await registry.store(again), { id: 'abc123', replaced: true });
    const after = await registry.get('abc123');
    assert.equal(after?.unit.name, 'Bye');
    assert.equal(after.unit.created, before?.unit.created);
    assert.ok(after.unit.updated >= after.unit.created);
    assert.deepEqual(after.testResults, [result(1)]);
  });

  check('an unknown unit is null, and a result for it is no error', async (registry) => {
    assert.equal(await registry.get('nobody'), null);
    assert.equal(await registry.getSolution('nobody'), null);
    await registry.recordTestResult('nobody', result(1));
    assert.equal(await registry.get('nobody'), null);
  });

  check('the last ten results are kept, newest last, and one recorded twice is there once', async (registry) => {
    await registry.store({ ...hello, id: 'a', metadata: { author: 'Ada' } });
    await registry.store({ ...hello, id: 'b' });
    for (let number = 12; number >= 1; number -= 1) await registry.recordTestResult('a', result(number));
    await registry.recordTestResult('b', result(1));
    const failed = result(7, { status: 'failed', exitCode: null, executionTimeMs: null, errors: ['It broke.'] });
    await registry.recordTestResult('a', failed);
    await registry.recordTestResult('a', result(12));
    const stored = await registry.get('a');
    const expected = [3, 4, 5, 6, 7, 8, 9, 10, 11, 12].map((number) => (number === 7 ? failed : result(number)));
    assert.deepEqual(stored?.testResults, expected);
    assert.deepEqual(stored.unit.metadata, { author: 'Ada' });
    assert.equal((await registry.get('b'))?.testResults.length, 1);
  });

  check('results of one unit that come at the same time are all kept', async (registry) => {
    await registry.store({ ...hello, id: 'a' });
    const numbers = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
    await Promise.all(numbers.map((number) => registry.recordTestResult('a', result(number))));
    const kept = (await registry.get('a'))?.testResults ?? [];
    assert.deepEqual(
      kept,
      numbers.map((number) => result(number)),
    );
  });

  check('a result changes nothing else of its unit', async (registry) => {
    const metadata = { author: 'Ada', nested: { list: [1.5, 'x', null] } };
    await registry.store({ ...hello, id: 'a', lineage: ['b'], source: { x: 1 }, meets_standards: true, metadata });
    const before = await registry.get('a');
    await registry.recordTestResult('a', result(1));
    const after = await registry.get('a');
    assert.deepEqual({ ...after?.unit, updated: null }, { ...before?.unit, updated: null });
  });

  check('results that come with a unit, in metadata.test_results, are added to those it has', async (registry) => {
    const entry = {
      execution_id: 'execution-1',
      timestamp: '2026-01-01T00:01:00.000',
      status: 'completed',
      exit_code: 0,
      execution_time: 0.0125,
      provider: 'sandbox-exec',
      errors: [],
    };
    const foreign = { by: 'another program', ok: true };
    const large = { ...entry, execution_id: 'large', errors: ['x'.repeat(70_000)] };
    await registry.store({ ...hello, id: 'a' });
    await registry.recordTestResult('a', result(2));
    await registry.store({ ...hello, id: 'a', metadata: { author: 'Ada', test_results: [foreign, large, entry] } });
    await registry.recordTestResult('a', result(3));
    const stored = await registry.get('a');
    assert.deepEqual(stored?.testResults, [result(1), result(2), result(3)]);
    assert.deepEqual(stored.unit.metadata, { author: 'Ada', test_results: [foreign, large] });
    await assert.rejects(registry.store({ ...hello, metadata: { test_results: 'all good' } }), {
      code: 'SANDBOX008',
      message: 'metadata.test_results: must be a list.',
    });
  });

  check(
    'a search filters by type, by a part of the name in any case, by standards, and says when there is more',
    async (registry) => {
      await registry.store({ ...hello, name: 'Ärger 100%', meets_standards: true });
      await registry.store({ ...hello, name: 'Second' });
      await registry.store({ ...hello, name: 'Third', type: 'tool' });
      assert.deepEqual(await namesFound(registry, {}), ['Third', 'Second', 'Ärger 100%']);
      assert.deepEqual(await namesFound(registry, { type: 'solution' }), ['Second', 'Ärger 100%']);
      assert.deepEqual(await namesFound(registry, { name: 'SEC' }), ['Second']);
      assert.deepEqual(await namesFound(registry, { name: 'äRG' }), ['Ärger 100%']);
      assert.deepEqual(await namesFound(registry, { name: '%' }), ['Ärger 100%']);
      assert.deepEqual(await namesFound(registry, { name: 'R 100%' }), ['Ärger 100%']);
      assert.deepEqual(await namesFound(registry, { name: '_' }), []);
      assert.deepEqual(await namesFound(registry, { meetsStandards: false, type: 'tool' }), ['Third']);
      assert.deepEqual(await namesFound(registry, { meetsStandards: true }), ['Ärger 100%']);
      const two = await registry.search({ limit: 2 });
      assert.deepEqual([two.units.map((unit) => unit.name), two.truncated], [['Third', 'Second'], true]);
      assert.equal((await registry.search({ limit: 3 })).truncated, false);
      assert.equal((await registry.search({ limit: 1000 })).truncated, false);
      await assert.rejects(registry.search({ limit: 1001 }), { code: 'SANDBOX008', message: /^limit: must be/ });
    },
  );

  check('types and statistics tell what is there', async (registry) => {
    assert.deepEqual(await registry.types(), []);
    await registry.store({ ...hello, meets_standards: true });
    const { id } = await registry.store({ ...hello });
    await registry.store({ ...hello, type: 'tool' });
    await registry.recordTestResult(id, result(1));
    assert.deepEqual(await registry.types(), ['solution', 'tool']);
    assert.deepEqual(await registry.statistics(), {
      units: 3,
      byType: existing ? null : { solution: 2, tool: 1 },
      meetsStandards: 1,
      testResults: existing ? null : 1,
    });
  });

  check('a unit that others were made from is deleted after them, not before', async (registry) => {
    await registry.store({ ...hello, id: 'parent' });
    await registry.store({ ...hello, id: 'child', lineage: ['parent', 'parent'] });
    await registry.recordTestResult('child', result(1));
    assert.deepEqual(await registry.delete('parent'), { dependents: ['child'] });
    assert.notEqual(await registry.get('parent'), null);
    assert.equal(await registry.delete('child'), 'deleted');
    assert.equal(await registry.delete('parent'), 'deleted');
    assert.equal(await registry.delete('parent'), 'unknown');
    await registry.recordTestResult('parent', result(2));
    assert.equal(await registry.get('parent'), null);
  });

  check('a replaced unit no longer depends on what it named before', async (registry) => {
    await registry.store({ ...hello, id: 'parent' });
    await registry.store({ ...hello, id: 'child', lineage: ['parent'] });
    await registry.store({ ...hello, id: 'child', lineage: [] });
    assert.equal(await registry.delete('parent'), 'deleted');
  });

  check(
    'a unit that names itself in its lineage stands in nobody’s way but, in an existing registry, its own',
    async (registry) => {
      await registry.store({ ...hello, id: 'self', lineage: ['self'] });
      assert.deepEqual(await registry.delete('self'), existing ? { dependents: ['self'] } : 'deleted');
    },
  );

  check('an id from outside that is no id finds, changes and deletes nothing', async (registry) => {
    await registry.store({ ...hello, id: 'abc' });
    for (const id of ['', 'abc\0', "abc' OR 1=1", '%', '../registry/abc', 'abc/', 'types', 'search', '.', 'abc?x']) {
      assert.equal(await registry.get(id), null);
      assert.equal(await registry.getSolution(id), null);
      assert.equal(await registry.delete(id), 'unknown');
      await registry.recordTestResult(id, result(1));
    }
    assert.deepEqual((await registry.get('abc'))?.testResults, []);
  });

  check('a field named __proto__ changes nothing', async (registry) => {
    const input = JSON.parse(
      `{"type":"t","name":"n","version":"1","content":{"__proto__":{"x":1}},"__proto__":{"id":"evil"}}`,
    ) as UnitInput;
    const { id } = await registry.store(input);
    assert.notEqual(id, 'evil');
    await registry.recordTestResult(id, result(1));
    const unit = (await registry.get(id))?.unit;
    assert.equal(unit?.id, id);
    assert.equal(unit.content.x, undefined);
    assert.equal(({} as Record<string, unknown>).x, undefined);
  });

  check('what is not valid is refused with a sentence that names the field', async (registry) => {
    for (const [what, unit, message] of refused()) {
      await assert.rejects(registry.store(unit as UnitInput), { code: 'SANDBOX008', message }, what);
    }
    assert.equal((await registry.statistics()).units, 0);
  });
}

function refused(): readonly (readonly [what: string, unit: unknown, message: string | RegExp])[] {
  const deep = JSON.parse(`${'['.repeat(10_000)}${']'.repeat(10_000)}`) as unknown;
  const lists = (count: number): unknown[] => Array.from({ length: count }, () => []);
  const fields = Object.fromEntries(Array.from({ length: 100_000 }, (_, number) => [`k${number}`, 1]));
  return [
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
      { ...hello, content: { a: lists(100_000) } },
      'The input: must have at most 100000 values, counted at any depth.',
    ],
    ['too many fields', fields, /^The input: must have/],
    ['metadata that is a Map', { ...hello, metadata: new Map() }, 'metadata: must be an object.'],
    ['too much', { ...hello, content: { code: 'x'.repeat(17 * 1024 ** 2) } }, /^content: is too large; the unit has/],
  ];
}
