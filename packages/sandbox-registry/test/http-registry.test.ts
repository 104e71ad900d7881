import type { TestResultRecord } from '@ergon/sandbox-core';
import { describeRegistry, HttpRegistry } from '../src/index.js';
import { ErgonRegistry } from './ergon-registry.js';

let ergon: ErgonRegistry;
let registry: HttpRegistry;
beforeEach(async () => {
  ergon = await ErgonRegistry.start();
  registry = new HttpRegistry({ url: ergon.url });
});
afterEach(async () => {
  await registry[Symbol.asyncDispose]();
  await ergon.stop();
});

describe('an existing Ergon Registry', () => {
  describeRegistry({ test, open: async () => registry, existing: true });
});

const unit = { type: 'solution', name: 'Hello', version: '1.0.0', content: { code: 'print(1)' } };

function result(number: number): TestResultRecord {
  return {
    executionId: `execution-${number}`,
    timestamp: new Date(Date.UTC(2026, 0, 1, 0, number)).toISOString(),
    status: 'completed',
    exitCode: 0,
    executionTimeMs: 12.5,
    provider: 'sandbox-exec',
    errors: [],
  };
}

test('test results are in metadata.test_results, in the words of the wire, and nothing else of the unit changes', async () => {
  const before = ergon.kept(ergon.store({ ...unit, id: 'a', source: { x: 1 }, metadata: { author: 'Ada' } }));
  await registry.recordTestResult('a', result(1));
  expect(ergon.kept('a')).toEqual({
    ...before,
    updated: expect.any(String) as string,
    metadata: {
      author: 'Ada',
      test_results: [
        {
          execution_id: 'execution-1',
          timestamp: '2026-01-01T00:01:00.000Z',
          status: 'completed',
          exit_code: 0,
          execution_time: 0.0125,
          provider: 'sandbox-exec',
          errors: [],
        },
      ],
    },
  });
});

test('numbers that JavaScript cannot hold, and all other text of the unit, are stored again to the last digit', async () => {
  ergon.store({ ...unit, id: 'a' });
  const content = `{"n":12345678901234567890,"f":1.0,"e":[1e400,{}],"s":"\\"}],\\\\","ü":"\\u0000","k":{"k":null}}`;
  const head = `"type":"solution","name":"Hello", "version" : "1","created":"2025-01-01T10:00:00.123456"`;
  ergon.put('a', ` {"id":"a",${head} ,"content": ${content},"metadata":{"big":98765432109876543210, "t":"{" }} `);
  await registry.recordTestResult('a', result(1));
  const rest = `"created":"2025-01-01T10:00:00.123456","content":${content},"metadata":{"big":98765432109876543210,"t":"{","test_results":[{`;
  expect(ergon.lastBody).toContain(`{"id":"a","type":"solution","name":"Hello","version":"1",${rest}`);
});

test('entries of other programs stay, however they look, and the last ten of all are kept', async () => {
  const others = [{ timestamp: '2025-12-31T23:00:00.5', status: 'ok', n: 1.5 }, 'text', null];
  ergon.store({ ...unit, id: 'a', metadata: { test_results: others } });
  await registry.recordTestResult('a', result(1));
  const kept = (): unknown[] => (ergon.kept('a') as { metadata: { test_results: unknown[] } }).metadata.test_results;
  expect(kept()).toMatchObject(['text', null, others[0], { execution_id: 'execution-1' }]);
  for (let number = 2; number <= 10; number += 1) await registry.recordTestResult('a', result(number));
  expect(kept()).toHaveLength(10);
  expect((await registry.get('a'))?.testResults.map(({ executionId }) => executionId)).toEqual(
    Array.from({ length: 10 }, (_, index) => `execution-${index + 1}`),
  );
});

test('what is no list of results is left as it is, and said', async () => {
  ergon.store({ ...unit, id: 'a', metadata: { test_results: { best: 1 } } });
  await expect(registry.recordTestResult('a', result(1))).rejects.toMatchObject({
    code: 'SANDBOX001',
    message: `The registry at ${ergon.url}/api/ergon/registry gave an answer of another shape than a registry's: metadata.test_results: must be a list.`,
  });
  expect(ergon.asked).not.toContain('POST /store');
});

test('a result that is there already is not stored again', async () => {
  ergon.store({ ...unit, id: 'a' });
  await registry.recordTestResult('a', result(1));
  await registry.recordTestResult('a', result(1));
  expect(ergon.asked.filter((asked) => asked === 'POST /store')).toHaveLength(1);
});

test('with one unit only one thing goes on at a time, with several units all at once', async () => {
  for (const id of ['a', 'b', 'c']) ergon.store({ ...unit, id });
  const first = new Set<string>();
  let allCame = (): void => {};
  const together = new Promise<void>((resolve) => (allCame = resolve));
  const busy = new Set<string>();
  ergon.before = async (_asked, id) => {
    expect(busy).not.toContain(id);
    busy.add(id);
    first.add(id);
    if (first.size === 3) allCame();
    await together;
    busy.delete(id);
  };
  const results = [1, 2, 3].flatMap((number) =>
    ['a', 'b', 'c'].map((id) => registry.recordTestResult(id, result(number))),
  );
  await Promise.all([...results, registry.store({ ...unit, id: 'a', name: 'Second' }), registry.delete('b')]);
  ergon.before = () => {};
  expect(await registry.get('b')).toBeNull();
  expect(await registry.get('a')).toMatchObject({ unit: { name: 'Second' }, testResults: [1, 2, 3].map(result) });
});

test('a time without a zone is UTC', async () => {
  ergon.store({ ...unit, id: 'a', created: '2025-06-01T10:00:00.123456' });
  expect((await registry.get('a'))?.unit.created).toBe('2025-06-01T10:00:00.123Z');
  await registry.store({ ...unit, id: 'a' });
  expect(ergon.kept('a')?.created).toBe('2025-06-01T10:00:00.123456');
});
