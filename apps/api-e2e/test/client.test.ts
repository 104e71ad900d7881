import type { SandboxEvent } from '@ergon/sandbox-client';
import { SandboxClient } from '@ergon/sandbox-client';
import { gather, serve, token } from './client-server.js';
import type { Served } from './client-server.js';
import { TestServer } from './server.js';
import { until } from './until.js';

let server: TestServer;
let client: SandboxClient;
let solutionId: string;
let open: Served['open'];
beforeAll(async () => {
  ({ server, client, solutionId, open } = await serve({ ERGON_SANDBOX_MAX_CONCURRENT: '30' }));
});
afterAll(() => TestServer.endAll());

describe('commands', () => {
  it('run to their end, tell their lines as they come, and a wrong exit code is a result', async () => {
    await using sandbox = await open();
    const lines: string[] = [];
    const result = await sandbox.commands.run('echo one; echo two >&2; read x; echo "got $x"; exit 3', {
      stdin: 'typed\n',
      onStdout: (line) => lines.push(line),
      onStderr: (line) => lines.push(`! ${line}`),
    });
    expect(result).toMatchObject({
      exitCode: 3,
      status: 'failed',
      stdout: 'one\ngot typed\n',
      stderr: 'two\n',
      timedOut: false,
    });
    expect([...lines].sort()).toEqual(['! two', 'got typed', 'one']);
    await expect(sandbox.commands.run(['false'], { check: true })).rejects.toMatchObject({
      name: 'SandboxCommandError',
      result: { exitCode: 1 },
    });
    expect(await sandbox.run()).toMatchObject({ exitCode: 4, stdout: 'own\n' });
    expect(await sandbox.test()).toMatchObject({ exitCode: 0, stdout: 'tested\n' });
    expect(await sandbox.results()).toMatchObject({ solutionId, stdout: 'tested\n' });
  });

  it('have limits that are changed while they run', async () => {
    await using sandbox = await open();
    const execution = await sandbox.commands.start('sleep 1000');
    expect(await sandbox.setLimits({ timeout: 0.5, outputLimit: '1k' })).toMatchObject({
      timeout: 0.5,
      outputLimit: 1024,
      notes: [],
    });
    expect(await execution.wait()).toMatchObject({ timedOut: true, limitsHit: [{ limit: 'wall_time', value: 500 }] });
    await expect(sandbox.setLimits({ diskLimit: '1t' })).rejects.toMatchObject({ code: 'SANDBOX009', status: 422 });
  });

  it('take their input as it is written, and give typed events with metrics and the end', async () => {
    await using sandbox = await open();
    const execution = await sandbox.commands.start('cat; exit 5', { stdin: true });
    const seen: SandboxEvent[] = [];
    const reading = (async () => {
      for await (const event of execution.events()) seen.push(event);
    })();
    await execution.stdin.write('grün\n');
    await execution.stdin.write(new Uint8Array([0x61, 0x0a]));
    await until(() => seen.some(({ type }) => type === 'metrics'));
    await execution.stdin.close();
    expect(await execution.wait()).toMatchObject({ exitCode: 5, stdout: 'grün\na\n' });
    await reading;
    expect(seen.flatMap((event) => (event.type === 'stdout' ? [event.line] : []))).toEqual(['grün', 'a']);
    expect(new Set(seen.map(({ type }) => type))).toEqual(new Set(['stdout', 'metrics', 'end']));
    expect(seen.at(-1)).toMatchObject({ type: 'end', status: 'failed', cause: 'exited', exitCode: 5 });
    expect(await gather(client.events(execution.executionId, { after: seen[0]?.id ?? '' }))).toEqual(seen.slice(1));
    expect(await gather(client.events(execution.executionId, { after: seen.at(-1)?.id ?? '' }))).toEqual([]);
  });

  it('are stopped by their signal and by their timeout, and the sandbox can run the next', async () => {
    await using sandbox = await open();
    const leave = new AbortController();
    const left = sandbox.commands.run('echo up; exec sleep 60', {
      onStdout: () => leave.abort(new Error('enough')),
      signal: leave.signal,
    });
    await expect(left).rejects.toThrow('enough');
    await until(async () => (await sandbox.results()).status === 'stopped');
    expect(await sandbox.results()).toMatchObject({ stdout: 'up\n' });
    expect(await sandbox.commands.run('exec sleep 60', { timeout: 0.5 })).toMatchObject({
      status: 'stopped',
      timedOut: true,
    });
    expect(await sandbox.commands.run(['true'])).toMatchObject({ exitCode: 0 });
  });
});

it("the solution's own command and its tests are started as others are", async () => {
  await using sandbox = await open();
  expect(await (await sandbox.start()).wait()).toMatchObject({ exitCode: 4, stdout: 'own\n' });
  expect(await (await sandbox.start({ test: true })).wait()).toMatchObject({ exitCode: 0, stdout: 'tested\n' });
});

it("calls and logs are there in the server's own words, and a call that may be repeated outlives broken connections", async () => {
  await using sandbox = await open();
  const { executionId } = await sandbox.commands.run("printf 'a\\rb'; exit 3");
  const path = { sandbox_id: sandbox.id };
  expect(await client.wire.call('get', '/api/ergon/sandbox/results/{sandbox_id}', { path })).toMatchObject({
    execution_id: executionId,
    exit_code: 3,
  });
  const events = [];
  for await (const event of client.wire.events(executionId, { raw: true })) events.push(event);
  expect(events).toContainEqual(
    expect.objectContaining({ type: 'data', data: Buffer.from('a\rb').toString('base64') }),
  );
  expect(events.map(({ type }) => type)).toContain('phase');
  expect(events.at(-1)).toMatchObject({ type: 'complete', exit_code: 3 });

  let refused = 0;
  const flaky = new SandboxClient({
    baseUrl: server.url,
    token,
    fetch: (...call) => ((refused += 1) < 3 ? Promise.reject(new TypeError('cut')) : fetch(...call)),
  });
  expect(await flaky.wire.persistentCall('get', '/api/ergon/sandbox/active', {})).toEqual(
    expect.arrayContaining([expect.objectContaining(path)]),
  );
  expect(refused).toBe(3);
});

it('a terminal shows, takes keys, is resized, and ends', async () => {
  await using sandbox = await open();
  let screen = '';
  const onData = (bytes: Uint8Array): void => void (screen += Buffer.from(bytes).toString());
  const terminal = await sandbox.pty.create({ cols: 100, rows: 30, onData });
  await terminal.write('stty size\r');
  await until(() => screen.includes('30 100'));
  await expect(terminal.resize({ cols: 0, rows: 0 })).rejects.toThrow(RangeError);
  await terminal.resize({ cols: 90, rows: 20 });
  // Sizes and keys go separate ways: the keys may be there before the size is.
  await terminal.write('until stty size | grep "^20 90$"; do sleep 0.1; done; exit 6\r');
  expect(await terminal.wait()).toMatchObject({ exitCode: 6 });
  expect(screen).toMatch(/(\r\n|\$ )20 90\r\n/); // a shell that hears of the new size may show its prompt again
});

it('a sandbox that was removed is disposed of without an error, and its results are still there', async () => {
  const removed = async (): Promise<string> => {
    await using sandbox = await open();
    await sandbox.commands.run('echo kept');
    await sandbox.remove();
    return sandbox.id;
  };
  const gone = await removed();
  expect(await (await client.sandboxes.connect(gone)).results()).toMatchObject({ stdout: 'kept\n', exitCode: 0 });
  expect((await client.sandboxes.list()).map(({ sandboxId }) => sandboxId)).not.toContain(gone);
});

it('errors have code, status, field, sentence and request id; a server that is not there is told apart', async () => {
  await expect(client.sandboxes.open('nowhere')).rejects.toMatchObject({
    name: 'SandboxApiError',
    code: 'SANDBOX002',
    status: 404,
    field: 'solution_id',
    detail: expect.stringContaining('nowhere') as string,
    requestId: expect.stringMatching(/^[\w-]+$/) as string,
  });
  await expect(new SandboxClient({ baseUrl: server.url, token: 'wrong' }).history()).rejects.toMatchObject({
    code: 'SANDBOX013',
    status: 401,
  });
  await expect(new SandboxClient({ baseUrl: 'http://127.0.0.1:9' }).health()).rejects.toMatchObject({
    name: 'SandboxConnectionError',
  });
  await expect(gather(client.events('never-was'))).rejects.toMatchObject({ code: 'SANDBOX006', status: 404 });
});
