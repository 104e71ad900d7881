import { registry, sandbox, TestServer } from './server.js';
import { execute, executionOf, linesOf } from './sse.js';
import { until } from './until.js';

let server: TestServer;
beforeAll(async () => {
  server = await TestServer.start({
    env: { ERGON_SANDBOX_MAX_CONCURRENT: '3', ERGON_SANDBOX_CEILING: 'timeout=30,pids=100' },
  });
});
afterEach(() => server.ok('POST', sandbox('/cleanup-all')));
afterAll(() => TestServer.endAll());

test('POST /test answers with the sandbox, its provider, and why that one; limits beyond the machine or the ceiling are lowered and said', async () => {
  const { id } = await server.ok('POST', registry('/store'), {
    type: 'solution',
    name: 'hello',
    version: '1',
    content: { code: 'print("hello")' },
  });
  const answer = await server.ok('POST', sandbox('/test'), { solution_id: id, cpu_limit: 1000, timeout: 60 });
  expect(answer).toMatchObject({
    sandbox_id: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
    provider: 'sandbox-exec',
    selection: {
      provider: 'sandbox-exec',
      considered: [
        { provider: 'sandbox-exec', verdict: 'chosen', reason: expect.any(String) as string },
        { provider: 'docker', verdict: 'unavailable', reason: expect.stringContaining('No Docker engine') as string },
      ],
      notes: expect.arrayContaining([
        expect.stringMatching(/^timeout was lowered from 60 s to the server's ceiling, 30 s/),
        expect.stringMatching(/^cpu_limit was lowered from 1000 CPUs to the machine's/),
      ]) as string[],
    },
  });
});

test('a result is ready before any run, complete after it, and still there when the sandbox is gone', async () => {
  const id = await server.openShell('echo out; echo err >&2; echo kept > /output/kept.txt; exit 4');
  const path = sandbox(`/results/${id}`);
  await until(async () => (await server.ok('GET', path)).status === 'ready');
  expect(await server.ok('GET', path)).toMatchObject({
    execution_id: null,
    exit_code: null,
    stdout: null,
    execution_time: null,
  });
  const { messages } = await execute(server, id);
  const expected = {
    sandbox_id: id,
    solution_id: expect.any(String) as string,
    execution_id: executionOf(messages),
    status: 'failed',
    exit_code: 4,
    execution_time: expect.any(Number) as number,
    stdout: 'out\n',
    stderr: 'err\n',
    truncated: false,
    errors: [],
    metrics: {
      provider: 'sandbox-exec',
      wall_time: expect.any(Number) as number,
      cpu_time: expect.any(Number) as number,
      // A watchdog looks ten times a second, and may never have seen a program that is over sooner.
      ...(process.getuid?.() === 0 && { memory_peak: expect.any(Number) as number }),
      prepare_time: expect.any(Number) as number,
      samples: expect.arrayContaining([expect.objectContaining({ at: expect.any(Number) as number })]) as unknown[],
    },
  };
  const result = await server.ok('GET', path);
  expect(result).toMatchObject(expected);
  expect(Object.keys(result)).toContain('files');
  expect(result).toHaveProperty('metrics.memory_peak');
  await server.ok('DELETE', sandbox(`/${id}`));
  expect(await server.ok('GET', path)).toMatchObject(expected);
  expect(await server.call('POST', sandbox('/execute'), { sandbox_id: id })).toMatchObject({
    status: 404,
    body: { code: 'SANDBOX006' },
  });
});

test('results wait for the end of a run, as long as asked', async () => {
  const id = await server.openShell('sleep 1; echo done');
  const running = execute(server, id);
  await until(async () => (await server.list(sandbox('/history'))).some((row) => row.sandbox_id === id));
  expect(['preparing', 'running']).toContain((await server.ok('GET', sandbox(`/results/${id}?wait=0.05`))).status);
  expect(await server.ok('GET', sandbox(`/results/${id}?wait=20`))).toMatchObject({
    status: 'completed',
    stdout: 'done\n',
  });
  await running;
});

test('run starts the command at once, and its output is there for whoever follows later', async () => {
  const id = await server.openShell('echo at once', { run: true });
  expect(await server.ok('GET', sandbox(`/results/${id}?wait=20`))).toMatchObject({
    status: 'completed',
    stdout: 'at once\n',
  });
});

test('times are in seconds wherever they are told, and a limit is named as the wire spells names', async () => {
  const id = await server.openShell('sleep 60', { timeout: 1 });
  await execute(server, id);
  const aboutOne = (time: unknown): void => {
    expect(time).toBeGreaterThan(0.9);
    expect(time).toBeLessThan(10);
  };
  const result = (await server.ok('GET', sandbox(`/results/${id}`))) as unknown as {
    solution_id: string;
    execution_time: number;
    metrics: { wall_time: number };
    limits_hit: unknown;
  };
  expect(result.limits_hit).toEqual([{ limit: 'wall_time', value: 1000, evidence: expect.any(String) as string }]);
  aboutOne(result.execution_time);
  aboutOne(result.metrics.wall_time);
  const rows = await server.list(sandbox(`/history?solution_id=${result.solution_id}`));
  const unit = await server.ok('GET', registry(`/${result.solution_id}`));
  for (const { execution_time: time } of [rows[0], unit.test_results[0]] as unknown as { execution_time: number }[]) {
    expect(time).toBe(result.execution_time);
  }
});

test('a command of the request, the test command, an environment and stdin are what the program gets', async () => {
  const id = await server.open(
    {
      files: { 'main.py': 'print("main")', 'test_main.py': 'print("tested")' },
      main_file: 'main.py',
      test_command: ['python', 'test_main.py'],
      environment: { A: 'solution', B: 'solution' },
    },
    { environment: { B: 'request $HOME "quoted"' } },
  );
  expect(linesOf((await execute(server, id)).messages)).toEqual(['[stdout] main']);
  expect(linesOf((await execute(server, id, { test: true })).messages)).toEqual(['[stdout] tested']);
  const command = ['sh', '-c', 'printf "%s|%s|%s|%s\\n" "$A" "$B" "$SANDBOX_ID" "$(cat)"'];
  expect(linesOf((await execute(server, id, { command, stdin: 'given' })).messages)).toEqual([
    `[stdout] solution|request $HOME "quoted"|${id}|given`,
  ]);
});

test('stop ends the run and keeps the sandbox, which can run again', async () => {
  const id = await server.openShell('echo begun; (sleep 600) & sleep 600');
  let begun = false;
  const run = execute(server, id, {}, { onMessage: () => (begun = true) });
  await until(() => begun);
  expect(await server.ok('POST', sandbox(`/${id}/stop`))).toEqual({ success: true, stopped: true });
  expect((await run).messages.at(-1)?.data).toEqual({ done: true, status: 'stopped', exit_code: null });
  expect(await server.ok('POST', sandbox(`/${id}/stop`))).toEqual({ success: true, stopped: false });
  expect(linesOf((await execute(server, id, { command: ['echo', 'again'] })).messages)).toEqual(['[stdout] again']);
});

test('the limit of sandboxes holds without races, counts until they are cleaned, and cleanup-all makes room, stopping what runs', async () => {
  const { id: solution } = await server.ok('POST', registry('/store'), {
    type: 'solution',
    name: 'sleeper',
    version: '1',
    content: { code: 'sleep 600', main_file: 'main.sh' },
  });
  const answers = await Promise.all(
    Array.from({ length: 12 }, () => server.call('POST', sandbox('/test'), { solution_id: solution, run: true })),
  );
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 200, ...Array<number>(9).fill(429)]);
  expect(answers.find(({ status }) => status === 429)?.body).toMatchObject({
    code: 'SANDBOX005',
    detail: expect.stringContaining('Maximum concurrent sandboxes reached') as string,
  });
  const active = await server.list(sandbox('/active'));
  expect(active).toHaveLength(3);
  expect(active[0]).toEqual({
    sandbox_id: expect.any(String) as string,
    solution_id: solution,
    status: expect.stringMatching(/^(preparing|running)$/) as string,
    provider: 'sandbox-exec',
    started: expect.stringMatching(/^\d{4}-.*Z$/) as string,
  });
  expect(await server.ok('POST', sandbox('/cleanup-all'))).toEqual({ cleaned: 3 });
  expect(await server.list(sandbox('/active'))).toEqual([]);
  await server.openShell('true');
});

test('the history has every run, newest first, page by page, of one solution if asked', async () => {
  const id = await server.openShell('true');
  const ids: string[] = [];
  for (let run = 0; run < 3; run += 1) ids.unshift(executionOf((await execute(server, id)).messages));
  const { solution_id: solution } = (await server.ok('GET', sandbox(`/results/${id}`))) as unknown as {
    solution_id: string;
  };
  const of = async (query: string): Promise<string[]> =>
    (await server.list(sandbox(`/history?solution_id=${solution}${query}`))).map((row) => row.execution_id);
  expect(await of('')).toEqual(ids);
  expect(await of('&limit=2')).toEqual(ids.slice(0, 2));
  expect(await of(`&limit=2&before=${ids[1] ?? ''}`)).toEqual(ids.slice(2));
  expect(await of('&before=2020-01-01T00:00:00Z')).toEqual([]);
  expect((await server.list(sandbox('/history?limit=1')))[0]).toEqual({
    execution_id: ids[0],
    sandbox_id: id,
    solution_id: solution,
    status: 'completed',
    exit_code: 0,
    started: expect.stringMatching(/Z$/) as string,
    execution_time: expect.any(Number) as number,
    provider: 'sandbox-exec',
  });
});

test('health and providers tell what is there', async () => {
  expect(await server.ok('GET', sandbox('/health'))).toEqual({
    status: 'healthy',
    providers: { 'sandbox-exec': true, docker: false },
  });
  expect(await server.ok('GET', sandbox('/providers'))).toMatchObject({
    'sandbox-exec': { available: true, is_default: true, capabilities: { isolation: 'namespaces', network: ['none'] } },
  });
});

test('a limit that was hit is named with its value', async () => {
  const id = await server.openShell('true', { memory_limit: '64m' });
  await execute(server, id, { command: ['python', '-c', 'x = bytearray(512 << 20); print(len(x))'] });
  expect(await server.ok('GET', sandbox(`/results/${id}`))).toMatchObject({
    status: 'failed',
    errors: expect.arrayContaining([expect.stringMatching(/memory limit of 64 MiB/)]) as string[],
  });
});

test('a memory limit in which no sandbox has room is raised, and the answer says so', async () => {
  const { id } = await server.ok('POST', registry('/store'), {
    type: 'solution',
    name: 'small',
    version: '1',
    content: { code: 'echo small', main_file: 'main.sh' },
  });
  for (const memory_limit of ['1', '100k', '7.9m']) {
    const answer = await server.ok('POST', sandbox('/test'), { solution_id: id, memory_limit });
    expect(answer).toMatchObject({
      selection: {
        notes: expect.arrayContaining([
          expect.stringMatching(/^memory_limit was raised from .* to the smallest that can be kept, 8 MiB\.$/),
        ]) as string[],
      },
    });
    await execute(server, answer.sandbox_id);
    expect(await server.ok('GET', sandbox(`/results/${answer.sandbox_id}`))).toMatchObject({
      status: 'completed',
      stdout: 'small\n',
    });
  }
});

test('at the output limit the run goes on, what follows is discarded, and the result says so', async () => {
  const id = await server.openShell('yes | head -c 3000000; echo end >&2; exit 5', { output_limit: '1m' });
  await execute(server, id);
  const result = await server.ok('GET', sandbox(`/results/${id}`));
  expect(result).toMatchObject({ status: 'failed', exit_code: 5, truncated: true });
  expect(result.stdout).toMatch(/^(y\n)+/);
  expect(result.stdout?.length).toBeLessThanOrEqual(1 << 20);
  expect(JSON.stringify(result)).toMatch(/The output passed its limit of 1 MiB/);
});

test('the registry answers in its own shapes', async () => {
  const unit = {
    type: 'tool',
    name: 'A hammer',
    version: '2',
    content: { any: ['thing'] },
    meets_standards: true,
    own: 1,
  };
  const stored = await server.ok('POST', registry('/store'), { id: 'hammer', ...unit });
  expect(stored).toEqual({ success: true, id: 'hammer', message: 'Stored A hammer 2' });
  const whole = {
    ...unit,
    id: 'hammer',
    lineage: [],
    created: expect.stringMatching(/Z$/) as string,
    updated: expect.stringMatching(/Z$/) as string,
  };
  expect(await server.ok('GET', registry('/hammer'))).toEqual({ ...whole, test_results: [] });
  expect(await server.ok('GET', registry('/search?type=tool&name=HAM&meets_standards=true&limit=5'))).toEqual({
    success: true,
    count: 1,
    results: [whole],
    truncated: false,
  });
  expect(await server.ok('GET', registry('/types'))).toEqual({ success: true, types: ['solution', 'tool'], count: 2 });
  expect(await server.ok('GET', registry('/health'))).toMatchObject({
    status: 'healthy',
    statistics: { by_type: { tool: 1 } },
  });
  await server.ok('POST', registry('/store'), { ...unit, id: 'nail', lineage: ['hammer'] });
  expect(await server.call('DELETE', registry('/hammer'))).toMatchObject({
    status: 409,
    body: { detail: expect.stringContaining('nail') as string },
  });
  expect(await server.ok('DELETE', registry('/nail'))).toEqual({ success: true, message: 'Deleted nail' });
  expect(await server.ok('DELETE', registry('/hammer'))).toEqual({ success: true, message: 'Deleted hammer' });
  expect((await server.call('GET', registry('/hammer'))).status).toBe(404);
});
