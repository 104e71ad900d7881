import { describeRegistry, HttpRegistry } from '@ergon/sandbox-registry';
import { registry, sandbox, TestServer } from './server.js';
import { execute, executionOf } from './sse.js';
import { until } from './until.js';

afterEach(() => TestServer.endAll());

describe('our own API as a registry', () => {
  describeRegistry({ test, open: async () => new HttpRegistry({ url: (await TestServer.start()).url }) });
});

const hello = {
  id: 'hello',
  type: 'solution',
  name: 'Hello',
  version: '1',
  content: { code: 'echo hello', main_file: 'main.sh' },
  metadata: { author: 'Ada' },
};

const over = (server: TestServer): Promise<TestServer> =>
  TestServer.start({ env: { ERGON_SANDBOX_REGISTRY_URL: server.url } });

/** Runs the solution to its end. @returns the execution's id. */
async function run(server: TestServer): Promise<string> {
  const { sandbox_id: id } = await server.ok('POST', sandbox('/test'), { solution_id: 'hello' });
  const { messages } = await execute(server, id);
  expect(messages.at(-1)?.data).toEqual({ done: true, status: 'completed', exit_code: 0 });
  return executionOf(messages);
}

const resultsOf = async (server: TestServer): Promise<string[]> =>
  (await server.ok('GET', registry('/hello'))).test_results.map((result) => result.execution_id);

test('a server runs what is stored in another, and its results appear there, beside those of other servers', async () => {
  const first = await TestServer.start();
  const [second, third] = [await over(first), await over(first)];
  await first.ok('POST', registry('/store'), hello);
  const executions = await Promise.all([run(first), run(second), run(third), run(second)]);
  const unit = await first.ok('GET', registry('/hello'));
  expect(unit.test_results.map((result) => result.execution_id).sort()).toEqual(executions.sort());
  for (const result of unit.test_results) {
    expect(result).toEqual({
      execution_id: expect.any(String) as string,
      timestamp: expect.stringMatching(/Z$/) as string,
      status: 'completed',
      exit_code: 0,
      execution_time: expect.any(Number) as number,
      provider: 'sandbox-exec',
      errors: [],
    });
  }
  expect(unit).toMatchObject({ ...hello, metadata: { author: 'Ada' } });
  expect(await second.ok('GET', registry('/hello'))).toEqual(unit);
  expect(await third.ok('GET', registry('/search?name=hell'))).toMatchObject({ count: 1, results: [hello] });
});

test('what is stored through a server is in its registry, and 404 and 409 are told as by that', async () => {
  const first = await TestServer.start();
  const second = await over(first);
  await second.ok('POST', registry('/store'), hello);
  await second.ok('POST', registry('/store'), { ...hello, id: 'child', lineage: ['hello'] });
  expect((await first.ok('GET', registry('/hello'))).id).toBe('hello');
  for (const server of [first, second]) {
    expect(await server.call('DELETE', registry('/hello'))).toMatchObject({
      status: 409,
      body: { detail: 'hello cannot be deleted: its dependents are here (child).' },
    });
    expect(await server.call('GET', registry('/other'))).toMatchObject({ status: 404, body: { code: 'SANDBOX002' } });
    expect(await server.call('POST', sandbox('/test'), { solution_id: 'other' })).toMatchObject({
      status: 404,
      body: { code: 'SANDBOX002' },
    });
  }
  expect(await second.ok('GET', registry('/health'))).toEqual(await first.ok('GET', registry('/health')));
});

test('a field of a solution that is not known is told when it is stored, and kept; of other units nothing is said', async () => {
  const server = await TestServer.start();
  const content = { ...hello.content, memmory_limit: '1g' };
  expect(await server.ok('POST', registry('/store'), { ...hello, content })).toEqual({
    success: true,
    id: 'hello',
    message: 'Stored Hello 1',
    warnings: ['content.memmory_limit is not a field that is known here; it was ignored.'],
  });
  expect(await server.ok('GET', registry('/hello'))).toMatchObject({ content });
  for (const unit of [hello, { ...hello, type: 'tool', content }]) {
    expect(await server.ok('POST', registry('/store'), unit)).toEqual({
      success: true,
      id: 'hello',
      message: 'Replaced Hello 1',
    });
  }
});

test('why a solution cannot be tested as it is, is told when it is stored, in the words of POST /test', async () => {
  const server = await TestServer.start();
  for (const [content, word] of [
    [{}, 'content.files: there is neither code nor a file'],
    [{ files: { 'a.py': '' }, main_file: 'main.py' }, 'content.main_file: "main.py" is not among the files'],
    [{ code: '', run_command: 'python main.py' }, 'content.run_command: must be a list of strings'],
    [{ files: { '../a.py': '' } }, 'content.files.../a.py: must be a relative path'],
  ] as const) {
    const { warnings } = (await server.ok('POST', registry('/store'), { ...hello, content })) as unknown as {
      warnings: string[];
    };
    expect(warnings).toEqual([expect.stringContaining(word)]);
    const { status, body } = await server.call('POST', sandbox('/test'), { solution_id: 'hello' });
    expect([status, warnings]).toEqual([422, [`It can't be tested as it is: ${body.detail}`]]);
  }
});

test('a registry that wants a token gets the one it was given, which nobody else sees', async () => {
  const token = 'a-token-of-the-registry';
  const first = await TestServer.start({ env: { ERGON_SANDBOX_TOKEN: token } });
  first.headers = { Authorization: `Bearer ${token}` };
  await first.ok('POST', registry('/store'), hello);
  const refused = await over(first);
  expect(await refused.call('POST', sandbox('/test'), { solution_id: 'hello' })).toMatchObject({
    status: 503,
    body: { code: 'SANDBOX001', detail: expect.stringMatching(/demands a token that it accepts \(401\)\.$/) as string },
  });
  const env = { ERGON_SANDBOX_REGISTRY_URL: first.url, ERGON_SANDBOX_REGISTRY_TOKEN: token, ERGON_LOG_LEVEL: 'debug' };
  const second = await TestServer.start({ env });
  const executionId = await run(second);
  expect(await resultsOf(first)).toEqual([executionId]);
  const { sandbox_id: id } = await second.ok('POST', sandbox('/test'), { solution_id: 'hello' });
  await first.stop();
  expect((await second.call('GET', registry('/hello'))).status).toBe(503);
  const { messages } = await execute(second, id, { command: ['env'] });
  expect(messages.at(-1)?.data).toMatchObject({ status: 'completed' });
  expect(JSON.stringify(messages) + second.output + second.errors).not.toContain(token);
});

test('without its registry a server says so, loses no result, and tells it once the registry is back, or at its next start', async () => {
  const first = await TestServer.start();
  const { port } = new URL(first.url);
  const second = await over(first);
  await first.ok('POST', registry('/store'), hello);
  const { sandbox_id: id } = await second.ok('POST', sandbox('/test'), { solution_id: 'hello' });
  await first.stop();

  const down = {
    status: 503,
    body: {
      title: 'Not available',
      code: 'SANDBOX001',
      detail: `The registry at ${first.url}/api/ergon/registry does not answer: connect ECONNREFUSED 127.0.0.1:${port}.`,
    },
  };
  expect(await second.call('POST', sandbox('/test'), { solution_id: 'hello' })).toMatchObject(down);
  for (const path of ['/hello', '/search', '/types', '/health']) {
    expect(await second.call('GET', registry(path))).toMatchObject(down);
  }
  expect(await second.call('POST', registry('/store'), hello)).toMatchObject(down);

  const executionId = executionOf((await execute(second, id)).messages);
  expect(await second.ok('GET', sandbox(`/results/${id}`))).toMatchObject({ status: 'completed', stdout: 'hello\n' });
  expect(second.log.find((line) => line.message === 'The registry did not take a test result')).toMatchObject({
    level: 'error',
    execution_id: executionId,
    solution_id: 'hello',
    error: expect.stringContaining('The registry at') as string,
  });
  expect(second.log.some((line) => line.message.endsWith(' failed'))).toBe(false);

  const env = { ERGON_SANDBOX_PORT: port };
  const again = await TestServer.start({ dataDir: first.dataDir, env });
  await until(async () => (await resultsOf(again)).includes(executionId), 60_000);
  await again.stop();

  const later = executionOf((await execute(second, id)).messages);
  await second.stop('SIGKILL');
  const last = await TestServer.start({ dataDir: first.dataDir, env });
  expect(await resultsOf(last)).toEqual([executionId]);
  await TestServer.start({ dataDir: second.dataDir, env: { ERGON_SANDBOX_REGISTRY_URL: last.url } });
  await until(async () => (await resultsOf(last)).includes(later), 60_000);
  expect(await resultsOf(last)).toEqual([executionId, later]);
}, 180_000);
