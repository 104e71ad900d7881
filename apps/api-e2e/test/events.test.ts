import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { EventSource } from 'eventsource';
import { registry, sandbox, TestServer } from './server.js';
import { execute, executionOf, follow, linesOf } from './sse.js';
import type { Stream } from './sse.js';
import { until } from './until.js';

let server: TestServer;
beforeAll(async () => {
  server = await TestServer.start({ env: { ERGON_SANDBOX_MAX_CONCURRENT: '50' } });
});
afterAll(() => TestServer.endAll());

async function executionsOf(sandboxId: string): Promise<string[]> {
  const rows = await server.list(sandbox('/history?limit=1000'));
  return rows.filter((row) => row.sandbox_id === sandboxId).map((row) => row.execution_id);
}

const countToThree = 'for i in 1 2 3; do echo $i; sleep 0.2; done; echo oops >&2';

test('an execution is sent as lines with their stream, each with its id, and done at the end', async () => {
  const id = await server.openShell(countToThree);
  const { messages } = await execute(server, id);
  expect(linesOf(messages)).toEqual(['[stdout] 1', '[stdout] 2', '[stdout] 3', '[stderr] oops']);
  expect(messages.at(-1)?.data).toEqual({ done: true, status: 'completed', exit_code: 0 });
  const numbers = messages.map((message) => {
    expect(message.id).toMatch(/^[\w-]+:\d+$/);
    expect(message.id.split(':')[0]).toBe(executionOf(messages));
    return Number(message.id.split(':')[1]);
  });
  expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
});

test('lines come while the program runs, and a line without end, or long, or odd, comes whole', async () => {
  const id = await server.openShell('echo first; read line; echo "got $line"');
  const seen: number[] = [];
  const code = [
    'import sys, time',
    'print("first", flush=True)',
    'time.sleep(0.5)',
    'sys.stdout.buffer.write(b"\\xff\\x00\\xe2\\x82")',
    'sys.stdout.buffer.write(b"\\xac\\n" + b"x" * (3 << 20) + b"\\n10%\\r20%\\r\\nlast")',
  ].join('\n');
  const { messages } = await execute(
    server,
    id,
    { command: ['python', '-c', code] },
    { onMessage: () => seen.push(performance.now()) },
  );
  const lines = messages.filter(({ data }) => data.line !== undefined).map(({ data }) => data);
  expect(lines[0]?.line).toBe('[stdout] first');
  expect(lines[1]?.line).toBe('[stdout] \ufffd\0€');
  const long = lines.filter(({ line }) => /\] x+$/.test(line ?? ''));
  expect(long.map(({ partial }) => partial)).toEqual([...Array<true>(long.length - 1).fill(true), undefined]);
  expect(long.map(({ line }) => (line ?? '').slice('[stdout] '.length)).join('').length).toBe(3 << 20);
  expect(lines.slice(-2).map(({ line }) => line ?? '')).toEqual(['[stdout] 10%\r20%', '[stdout] last']);
  expect((seen[1] ?? 0) - (seen[0] ?? 0)).toBeGreaterThan(300);
});

test('while a program is quiet, a comment keeps the connection', async () => {
  const id = await server.openShell('sleep 600', { run: true });
  const leave = new AbortController();
  const response = await server.fetch(`${sandbox('/execute')}?sandbox_id=${id}`, { signal: leave.signal });
  const begun = performance.now();
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  expect(new TextDecoder().decode((await reader.read()).value)).toBe(':\n\n');
  expect(performance.now() - begun).toBeLessThan(20_000);
  leave.abort();
  await server.ok('DELETE', sandbox(`/${id}`));
});

test('with raw, bytes come as they are', async () => {
  const id = await server.openShell('true');
  const { messages } = await execute(server, id, {
    command: ['sh', '-c', 'printf "a\\377"; printf prompt: >&2'],
    raw: true,
  });
  const bytes = (stream: string): string =>
    messages
      .map(({ data }) => (data.stream === stream ? Buffer.from(data.data ?? '', 'base64').toString('latin1') : ''))
      .join('');
  expect(bytes('stdout')).toBe('a\xff');
  expect(bytes('stderr')).toBe('prompt:');
  expect(messages.at(-1)?.data).toMatchObject({ done: true, exit_code: 0 });
});

test('stdin is what was given, and otherwise empty and closed', async () => {
  const id = await server.openShell('cat; echo end');
  expect(linesOf((await execute(server, id, { stdin: 'one\ntwo\n' })).messages)).toEqual([
    '[stdout] one',
    '[stdout] two',
    '[stdout] end',
  ]);
  expect(linesOf((await execute(server, id)).messages)).toEqual(['[stdout] end']);
});

test('a failure to run is an error before done, a timeout a line', async () => {
  const id = await server.openShell('echo begun; sleep 60', { timeout: 1 });
  const missing = await execute(server, id, { command: ['/no/such/program'] });
  expect(missing.messages.map(({ data }) => data)).toEqual([
    { error: expect.stringContaining('/no/such/program') as string },
    { done: true, status: 'failed', exit_code: null },
  ]);
  const slow = await execute(server, id);
  expect(linesOf(slow.messages)).toEqual(['[stdout] begun', '[error] Execution timeout exceeded']);
  expect(slow.messages.at(-1)?.data).toEqual({ done: true, status: 'timeout', exit_code: null });
});

test('one execution at a time: a second is refused with 409 and changes nothing', async () => {
  const id = await server.openShell('echo begun; sleep 1; echo end');
  const first = execute(server, id);
  await until(async () => (await executionsOf(id)).length === 1);
  const second = await server.call('POST', sandbox('/execute'), { sandbox_id: id, command: ['true'] });
  expect(second).toMatchObject({ status: 409, body: { code: 'SANDBOX007' } });
  expect(linesOf((await first).messages)).toEqual(['[stdout] begun', '[stdout] end']);
});

test('the same execution_id again follows that execution, while it runs, when it has ended, and when its sandbox is gone', async () => {
  const id = await server.openShell(countToThree);
  const body = { execution_id: `retry-${id}` };
  const [one, two] = await Promise.all([execute(server, id, body), execute(server, id, body)]);
  await server.ok('DELETE', sandbox(`/${id}`));
  const three = await execute(server, id, { ...body, command: ['false'] });
  expect(linesOf(one.messages)).toHaveLength(4);
  expect(two).toEqual(one);
  expect(three).toEqual(one);
  expect(await executionsOf(id)).toEqual([`retry-${id}`]);
  const elsewhere = await server.openShell('true');
  const stolen = await server.call('POST', sandbox('/execute'), { sandbox_id: elsewhere, ...body });
  expect(stolen).toMatchObject({ status: 422, body: { field: 'execution_id' } });
});

test('readers that come at once to a new sandbox start its command together, once', async () => {
  const id = await server.openShell(countToThree);
  const streams = await Promise.all(Array.from({ length: 10 }, () => follow(server, id)));
  for (const stream of streams) expect(stream).toEqual(streams[0]);
  expect(linesOf(streams[0]?.messages ?? [])).toHaveLength(4);
  expect(await executionsOf(id)).toHaveLength(1);
});

test('a reader and a command that come at once make one execution, which both follow', async () => {
  for (let round = 0; round < 5; round += 1) {
    const id = await server.openShell('echo own');
    const [followed, posted] = await Promise.all([
      follow(server, id),
      server
        .call('POST', sandbox('/execute'), { sandbox_id: id, command: ['true'], execution_id: `p-${id}` })
        .catch(() => null),
    ]);
    const executions = await executionsOf(id);
    // Whichever came first ran; a POST that came second was told so.
    if (posted?.status === 409) expect(executions).toEqual([executionOf(followed.messages)]);
    else expect(executions).toContain(executionOf(followed.messages));
    expect(executions.filter((execution) => execution.startsWith('first-')).length).toBeLessThanOrEqual(1);
  }
});

test('a reader that comes back gets the rest, then 204, and nothing runs again', async () => {
  const id = await server.openShell(countToThree);
  const begun = await follow(server, id, { leaveAfter: 1 });
  const rest = await follow(server, id, { lastEventId: begun.messages.at(-1)?.id ?? '' });
  const whole = await follow(server, id);
  expect([...begun.messages, ...rest.messages]).toEqual(whole.messages);
  expect(await follow(server, id, { lastEventId: whole.messages.at(-1)?.id ?? '' })).toEqual({
    status: 204,
    messages: [],
  });
  expect(await executionsOf(id)).toHaveLength(1);
});

test('a reader of an earlier execution gets its rest, then the current one', async () => {
  const id = await server.openShell(countToThree);
  const first = await execute(server, id);
  const second = await execute(server, id, { command: ['echo', 'second'] });
  const back = await follow(server, id, { lastEventId: first.messages[1]?.id ?? '' });
  expect(back.messages).toEqual([...first.messages.slice(2), ...second.messages]);
  const afterEnd = await follow(server, id, { lastEventId: first.messages.at(-1)?.id ?? '' });
  expect(afterEnd.messages).toEqual(second.messages);
});

test('an EventSource that nobody closes reconnects, is told that there is no more, and stops', async () => {
  const id = await server.openShell('echo once');
  const source = new EventSource(`${server.url}${sandbox('/execute')}?sandbox_id=${id}`);
  const data: unknown[] = [];
  source.onmessage = (event) => data.push(JSON.parse(event.data as string));
  await until(() => source.readyState === EventSource.CLOSED, 30_000);
  expect(data).toEqual([
    { line: '[stdout] once', stream: 'stdout', at: expect.any(Number) as number },
    { done: true, status: 'completed', exit_code: 0 },
  ]);
  expect(await executionsOf(id)).toHaveLength(1);
});

test('events that are no longer kept are 410, an id that is none or of another sandbox 422, an unknown one 404', async () => {
  const id = await server.openShell('echo hello');
  const { messages } = await execute(server, id);
  const other = await server.openShell('echo other');
  const last = messages.at(-1)?.id ?? '';
  const call = (sandboxId: string, lastEventId: string): ReturnType<TestServer['call']> =>
    server.call('GET', `${sandbox('/execute')}?sandbox_id=${sandboxId}`, undefined, { 'Last-Event-ID': lastEventId });
  for (const bad of ['x', `${last}x`, ':1', `${executionOf(messages)}:-1`]) {
    expect(await call(id, bad)).toMatchObject({ status: 422, body: { field: 'last-event-id' } });
  }
  expect(await call(id, 'never-was:1')).toMatchObject({ status: 404, body: { code: 'SANDBOX006' } });
  await execute(server, other);
  expect(await call(other, last)).toMatchObject({ status: 422, body: { field: 'last-event-id' } });
  await execute(server, id, { command: ['true'] });
  rmSync(join(server.dataDir, 'executions', `${executionOf(messages)}.log`));
  expect(await call(id, last)).toMatchObject({
    status: 410,
    body: { detail: expect.stringContaining('no longer kept') as string },
  });
  expect(await server.call('GET', sandbox(`/executions/${executionOf(messages)}/events`))).toMatchObject({
    status: 410,
  });
});

test('HEAD starts nothing', async () => {
  const id = await server.openShell('echo hello');
  const head = await server.fetch(`${sandbox('/execute')}?sandbox_id=${id}`, { method: 'HEAD' });
  expect([head.status, head.headers.get('allow')]).toEqual([405, 'POST, GET']);
  expect(await executionsOf(id)).toEqual([]);
});

test('a reader that leaves, or reads nothing, disturbs neither the run nor other readers', async () => {
  const id = await server.openShell('true');
  const lines = 200_000;
  const command = ['python', '-c', `for i in range(${lines}): print(i, "x" * 40)`];
  const stuck = new AbortController();
  const response = await server.fetch(sandbox('/execute'), {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ sandbox_id: id, command, execution_id: `big-${id}` }),
    signal: stuck.signal,
  });
  expect(response.status).toBe(200);
  await follow(server, id, { leaveAfter: 10 });
  const { messages } = await follow(server, id);
  expect(linesOf(messages)).toHaveLength(lines);
  expect(messages.at(-1)?.data).toMatchObject({ status: 'completed' });
  stuck.abort();
});

test('50 readers of one execution, many of them leaving and coming back, see identical, complete output', async () => {
  const id = await server.openShell('true');
  const lines = 3000;
  const code = `import time\nfor i in range(${lines}):\n  print("line", i, flush=True)\n  if i % 100 == 0: time.sleep(0.03)`;
  const begun = execute(server, id, { command: ['python', '-c', code] });
  await until(async () => (await executionsOf(id)).length === 1);

  const reader = async (number: number): Promise<Stream['messages']> => {
    const seen: Stream['messages'] = [];
    for (let visit = 0; seen.at(-1)?.data.done !== true; visit += 1) {
      // Every other reader leaves, again and again, in the middle of things.
      const leaves = number % 2 === 0 ? { leaveAfter: 1 + ((number * 37 + visit * 101) % 900) } : {};
      const last = seen.at(-1)?.id;
      const { messages } = await follow(server, id, { ...leaves, ...(last !== undefined && { lastEventId: last }) });
      seen.push(...messages);
    }
    return seen;
  };
  const all = await Promise.all(Array.from({ length: 50 }, (_, number) => reader(number)));
  const { messages } = await begun;
  expect(linesOf(messages)).toEqual(Array.from({ length: lines }, (_, number) => `[stdout] line ${number}`));
  for (const seen of all) expect(seen).toEqual(messages);
  expect(await executionsOf(id)).toHaveLength(1);
});

test('the kept log has every event with its time, from the start or from a number, after cleanup too', async () => {
  const id = await server.openShell(countToThree);
  const { messages } = await execute(server, id);
  await server.ok('DELETE', sandbox(`/${id}`));
  const path = sandbox(`/executions/${executionOf(messages)}/events`);
  const events = await server.list(path);
  expect(events.filter(({ type }) => type === 'output').map(({ line }) => line)).toEqual(linesOf(messages));
  expect(events.map(({ type }) => type)).toEqual(expect.arrayContaining(['status', 'metrics', 'output', 'complete']));
  expect(events.at(-1)).toMatchObject({ type: 'complete', status: 'completed', exit_code: 0, cause: 'exited' });
  const times = events.map(({ at }) => at);
  expect(times).toEqual([...times].sort((a, b) => a - b));
  const third = events[2];
  const number = third?.id.split(':')[1] ?? '';
  expect(await server.ok('GET', `${path}?after=${number}`)).toEqual(events.slice(3));
  expect(await server.ok('GET', `${path}?after=${third?.id ?? ''}`)).toEqual(events.slice(3));
  expect(await server.ok('GET', `${path}?after=999999`)).toEqual([]);
});

test('a unit of the registry shows its tests', async () => {
  const { id } = await server.ok('POST', registry('/store'), {
    type: 'solution',
    name: 'counted',
    version: '1',
    content: { code: 'exit 3', main_file: 'main.sh' },
  });
  const sandboxId = (await server.ok('POST', sandbox('/test'), { solution_id: id })).sandbox_id;
  const { messages } = await execute(server, sandboxId);
  expect((await server.ok('GET', registry(`/${id}`))).test_results).toEqual([
    {
      execution_id: executionOf(messages),
      timestamp: expect.stringMatching(/Z$/) as string,
      status: 'failed',
      exit_code: 3,
      execution_time: expect.any(Number) as number,
      provider: 'sandbox-exec',
      errors: [],
    },
  ]);
});
