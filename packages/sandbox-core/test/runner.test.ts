import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SandboxError, SandboxFactory, silentLogger } from '../src/index.js';
import type { Logger } from '../src/index.js';
import { Journal } from '../src/runner/journal.js';
import { raiseSign } from '../src/runner/life-sign.js';
import { allEvents, linesOf, makeHouse, until } from './house.js';
import type { House } from './house.js';
import { LocalProvider } from './local-provider.js';

let house: House;
beforeEach(async () => {
  house = await makeHouse();
});
afterEach(async () => {
  await house.close();
});

const sh = (script: string): string[] => ['sh', '-c', script];

describe('a test of a solution', () => {
  it('gives output, exit code, time and history, and leaves no box', async () => {
    const result = await house.runner.test('hello', { timeout: 20 });
    expect(result).toMatchObject({
      solutionId: 'hello',
      status: 'completed',
      cause: 'exited',
      exitCode: 0,
      stdout: 'hello\n',
      stderr: 'oops\n',
      truncated: false,
      errors: [],
    });
    expect(result.executionTimeMs).toBeGreaterThan(0);
    expect(result.metrics.prepareTimeMs).toBeGreaterThan(0);
    expect(result.metrics.samples.length).toBeGreaterThan(0);
    expect(house.provider.boxes.size).toBe(0);
    expect(house.runner.active()).toEqual([]);
    expect(house.runner.history()).toMatchObject([
      { executionId: result.executionId, status: 'completed', exitCode: 0 },
    ]);
    expect(house.registry.results.get('hello')).toMatchObject([
      { executionId: result.executionId, status: 'completed' },
    ]);
  });

  it('opens the log with the preparation and closes it with the end', async () => {
    const sandbox = await house.runner.open('hello');
    const execution = await sandbox.execute();
    const events = await allEvents(execution);
    expect(events.map(({ seq }) => seq)).toEqual([...events.map(({ seq }) => seq)].sort((a, b) => a - b));
    const opening = events.findIndex((event) => event.type === 'phase' && event.phase === 'opening');
    const running = events.findIndex((event) => event.type === 'status' && event.status === 'running');
    expect(opening).toBeGreaterThanOrEqual(0);
    expect(opening).toBeLessThan(running);
    expect(linesOf(events).sort()).toEqual(['[stderr] oops', '[stdout] hello']);
    expect(events.at(-1)).toMatchObject({ type: 'end', status: 'completed', exitCode: 0 });
    expect(events.every(({ at }, index) => at >= (events[index - 1]?.at ?? 0))).toBe(true);
  });

  it('is committed before a reader sees the end', async () => {
    const sandbox = await house.runner.open('hello');
    const execution = await sandbox.execute();
    for await (const batch of execution.events()) {
      if (!batch.some(({ type }) => type === 'end')) continue;
      expect(await readFile(join(house.dataDir, 'history.jsonl'), 'utf8')).toContain('"kind":"end"');
      expect(house.registry.results.get('hello')).toHaveLength(1);
      expect(house.runner.active()).toMatchObject([{ status: 'completed' }]);
    }
  });
});

describe('ends', () => {
  const cases = [
    ['exit 3', sh('exit 3'), { status: 'failed', cause: 'exited', exitCode: 3 }],
    ['a signal of its own', sh('kill -SEGV $$'), { status: 'failed', cause: 'signalled', exitCode: 139 }],
    [
      'a missing program',
      ['no-such-program'],
      { status: 'failed', cause: 'not-started', exitCode: null, executionTimeMs: null },
    ],
  ] as const;
  it.each(cases)('%s', async (_, command, expected) => {
    const sandbox = await house.runner.open('hello');
    const result = await (await sandbox.execute({ command })).result;
    expect(result).toMatchObject(expected);
    expect(sandbox.status).toBe('failed');
  });

  it('a timeout ends a program that ignores SIGTERM, with its line, and the sandbox runs again', async () => {
    const sandbox = await house.runner.open('hello', { timeout: 0.3 });
    const execution = await sandbox.execute({ command: sh('trap "" TERM; echo on; while :; do sleep 0.05; done') });
    const events = await allEvents(execution);
    expect(events).toContainEqual(expect.objectContaining({ type: 'error', message: 'Execution timeout exceeded' }));
    const result = await execution.result;
    expect(result).toMatchObject({ status: 'timeout', cause: 'timeout', exitCode: null, stdout: 'on\n' });
    expect(result.executionTimeMs).toBeGreaterThan(490);
    expect(result.limitsHit).toMatchObject([{ limit: 'wall-time', value: 300 }]);
    expect(await (await sandbox.execute()).result).toMatchObject({ status: 'completed' });
  });

  it('a deadline that passes while the end is being measured changes nothing, nor does a stop', async () => {
    let settle: () => void = () => undefined;
    house.provider.settling = new Promise((resolve) => (settle = resolve));
    const sandbox = await house.runner.open('hello', { timeout: 2 });
    const execution = await sandbox.execute({ command: sh('exit 5') });
    for await (const batch of execution.events()) {
      if (batch.some((event) => event.type === 'phase' && event.phase === 'ended')) break;
    }
    setTimeout(settle, 2100);
    void execution.stop();
    const result = await execution.result;
    expect(result).toMatchObject({ status: 'failed', cause: 'exited', exitCode: 5 });
    expect(result.executionTimeMs).toBeLessThan(2000);
  });

  it('a number that the program exits with in the grace is kept', async () => {
    const sandbox = await house.runner.open('hello');
    const execution = await sandbox.execute({
      command: sh('trap "exit 7" TERM; echo on; while :; do sleep 0.02; done'),
    });
    for await (const batch of execution.events()) {
      if (linesOf(batch).length > 0) void sandbox.stop();
    }
    expect(await execution.result).toMatchObject({ status: 'stopped', cause: 'stopped', exitCode: 7 });
  });

  it('a stop while it is being prepared ends the run and not the sandbox', async () => {
    let open: () => void = () => undefined;
    house.provider.gate = new Promise((resolve) => (open = resolve));
    const sandbox = await house.runner.open('hello');
    const execution = await sandbox.execute();
    expect(sandbox.status).toBe('preparing');
    expect(await sandbox.stop()).toBe(true);
    expect(await execution.result).toMatchObject({ status: 'stopped', exitCode: null, executionTimeMs: null });
    open();
    await sandbox.ready;
    expect(await (await sandbox.execute()).result).toMatchObject({ status: 'completed' });
  });

  it('a failed preparation is a failed result, with and without an execution', async () => {
    house.provider.gate = Promise.reject(new SandboxError('SANDBOX001', 'There is no room.'));
    house.provider.gate.catch(() => undefined);
    const sandbox = await house.runner.open('hello');
    await expect(sandbox.ready).rejects.toThrow('There is no room.');
    expect(await house.runner.results(sandbox.id)).toMatchObject({
      status: 'failed',
      executionId: null,
      exitCode: null,
      errors: ['There is no room.'],
    });
    const result = await (await sandbox.execute()).result;
    expect(result).toMatchObject({ status: 'failed', cause: 'not-started', exitCode: null });
    expect(result.errors.join()).toContain('There is no room.');
    await sandbox.cleanup();
    expect(house.runner.active()).toEqual([]);
    house.provider.gate = Promise.resolve();
  });

  it('at the output limit the run goes on and the result says so', async () => {
    const sandbox = await house.runner.open('hello', { outputLimit: '1k' });
    const execution = await sandbox.execute({
      command: sh('head -c 5000 /dev/zero | tr "\\0" x; echo done >&2; exit 4'),
    });
    const result = await execution.result;
    expect(result).toMatchObject({ status: 'failed', exitCode: 4, truncated: true });
    expect((result.stdout ?? '').length + (result.stderr ?? '').length).toBe(1024);
    expect(result.errors.join()).toContain('3981 bytes');
    expect(result.limitsHit).toMatchObject([{ limit: 'output', value: 1024 }]);
  });
});

describe('input and second calls', () => {
  it('a second command while one runs is refused, and the first goes on', async () => {
    const sandbox = await house.runner.open('hello');
    const first = await sandbox.execute({ command: sh('read x; echo $x'), stdin: 'typed\n' });
    await expect(sandbox.execute()).rejects.toMatchObject({ code: 'SANDBOX007' });
    expect(await first.result).toMatchObject({ stdout: 'typed\n', exitCode: 0 });
  });

  it('two commands at the same moment: one is refused', async () => {
    const sandbox = await house.runner.open('hello');
    const outcomes = await Promise.allSettled([sandbox.execute(), sandbox.execute()]);
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  });

  it('the same execution id follows, now and after the sandbox is gone, and never runs twice', async () => {
    const sandbox = await house.runner.open('hello');
    const command = sh('echo ran >> count; cat count');
    const [one, two] = await Promise.all([
      house.runner.execute(sandbox.id, { command, executionId: 'mine' }),
      house.runner.execute(sandbox.id, { command, executionId: 'mine' }),
    ]);
    expect((await one.result).stdout).toBe('ran\n');
    expect((await two.result).stdout).toBe('ran\n');
    await (
      await sandbox.execute({ command: sh('true') })
    ).result;
    await sandbox.cleanup();
    const again = await house.runner.execute(sandbox.id, { executionId: 'mine' });
    expect(linesOf(await allEvents(again))).toEqual(['[stdout] ran']);
    const other = await house.runner.open('hello');
    await expect(house.runner.execute(other.id, { executionId: 'mine' })).rejects.toMatchObject({ code: 'SANDBOX008' });
  });

  it('stdin is empty unless given', async () => {
    const sandbox = await house.runner.open('hello');
    expect(await (await sandbox.execute({ command: ['cat'] })).result).toMatchObject({ stdout: '', exitCode: 0 });
  });

  it.each([
    [{ memoryLimit: '4x' }, /memoryLimit/],
    [{ timeout: 0 }, /timeout/],
    [{ environment: { 'A-B': '1' } }, /environment\.A-B/],
    [{ provider: 'nobody' }, /nobody/],
  ])('%j is refused with a sentence', async (request, message) => {
    await expect(house.runner.open('hello', request)).rejects.toMatchObject({
      code: 'SANDBOX008',
      message: expect.stringMatching(message) as string,
    });
    expect(house.runner.active()).toEqual([]);
  });

  it.each([
    [{ requires_network: true }, 'Network mode "full"'],
    [{ requirements: ['requests'] }, 'content.requirements'],
    [{ services: { db: { image: 'postgres' } } }, 'A service is not supported here.'],
    [{ services: { db: { image: 'x', environment: { A: '${B}' } } } }, 'content.services.db.environment.A'],
    [{ environment: { KEY: '${SECRET}' } }, 'content.environment.KEY'],
    [{ requires_gpu: true }, 'GPU'],
  ])('%j is refused until it is there', async (content, field) => {
    house.registry.contents.set('more', { code: 'true', main_file: 'a.sh', ...content });
    const refusal = house.runner.open('more', { provider: 'local' });
    await expect(refusal).rejects.toMatchObject({
      code: 'SANDBOX009',
      message: expect.stringContaining(field) as string,
    });
  });

  it('run without a command to run is refused, and leaves no sandbox', async () => {
    house.registry.contents.set('none', { files: { 'a.txt': '' } });
    await expect(house.runner.open('none', { run: true })).rejects.toMatchObject({ code: 'SANDBOX008' });
    expect(house.runner.active()).toEqual([]);
    expect(house.provider.boxes.size).toBe(0);
  });

  it('an unknown solution is refused', async () => {
    await expect(house.runner.open('nobody')).rejects.toMatchObject({ code: 'SANDBOX002' });
  });
});

describe('the limit of sandboxes', () => {
  it.each([false, true])(
    'holds when thirty ask at once, and a place becomes free with a cleanup (run: %s)',
    async (run) => {
      const outcomes = await Promise.allSettled(Array.from({ length: 30 }, () => house.runner.open('hello', { run })));
      const opened = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
      const refused = outcomes.flatMap((outcome) =>
        outcome.status === 'rejected' ? [outcome.reason as SandboxError] : [],
      );
      expect(opened).toHaveLength(10);
      expect(new Set(refused.map(({ code }) => code))).toEqual(new Set(['SANDBOX005']));
      expect(refused[0]?.message).toContain('Maximum concurrent sandboxes reached');
      await opened[0]?.cleanup();
      await house.runner.open('hello');
      expect(await house.runner.cleanupAll()).toBe(10);
      expect(house.provider.boxes.size).toBe(0);
    },
  );

  it('an idle sandbox goes; one that runs does not', async () => {
    await house.runner.close();
    house.runner = await house.start({ idleMs: 150 });
    const busy = await house.runner.open('hello');
    const execution = await busy.execute({ command: ['sleep', '0.6'] });
    await house.runner.open('hello');
    await until(() => house.runner.active().length === 1);
    expect(house.runner.active()).toMatchObject([{ sandboxId: busy.id, status: 'running' }]);
    expect(await execution.result).toMatchObject({ status: 'completed' });
    await until(() => house.runner.active().length === 0);
    expect(await house.runner.results(busy.id)).toMatchObject({ status: 'completed' });
  });
});

describe('cleanup', () => {
  it('stops what runs and keeps its result', async () => {
    const sandbox = await house.runner.open('hello');
    const execution = await sandbox.execute({ command: sh('echo here; sleep 100') });
    for await (const batch of execution.events()) if (linesOf(batch).length > 0) break;
    await house.runner.cleanup(sandbox.id);
    expect(await house.runner.results(sandbox.id)).toMatchObject({ status: 'stopped', stdout: 'here\n' });
    await expect(house.runner.execute(sandbox.id)).rejects.toMatchObject({ code: 'SANDBOX006' });
    await house.runner.cleanup(sandbox.id);
    await expect(house.runner.cleanup('nobody')).rejects.toMatchObject({ code: 'SANDBOX006' });
  });

  it('ends a preparation and leaves nothing', async () => {
    house.provider.gate = new Promise(() => undefined);
    const sandbox = await house.runner.open('hello');
    await sandbox.cleanup();
    expect(house.provider.boxes.size).toBe(0);
    expect(house.runner.active()).toEqual([]);
    house.provider.gate = Promise.resolve();
  });

  it('that fails says so, keeps its place, and can be tried again', async () => {
    const sandbox = await house.runner.open('hello');
    await sandbox.ready;
    house.provider.failNextClose = true;
    await expect(sandbox.cleanup()).rejects.toThrow('stuck');
    expect(house.runner.active()).toHaveLength(1);
    await sandbox.cleanup();
    expect(house.provider.boxes.size).toBe(0);
  });
});

describe('after the end of a server', () => {
  it('results, events and history are there', async () => {
    const result = await house.runner.test('hello');
    const opened = await house.runner.open('hello');
    await house.runner.close();
    house.runner = await house.start();
    expect(await house.runner.results(result.sandboxId)).toMatchObject({
      ...result,
      metrics: expect.anything() as object,
    });
    expect(await house.runner.results(opened.id)).toMatchObject({ status: 'cleaned', executionId: null });
    const kept = await house.runner.execution(result.executionId ?? '');
    expect(linesOf(await allEvents(kept)).sort()).toEqual(['[stderr] oops', '[stdout] hello']);
    expect(house.runner.history({ limit: 5 })).toHaveLength(1);
  });

  it('a second server on the same data folder is refused while the first lives', async () => {
    await expect(house.start()).rejects.toMatchObject({
      code: 'SANDBOX001',
      message: expect.stringContaining('in use') as string,
    });
    expect(await house.runner.test('hello')).toMatchObject({ status: 'completed' });
  });

  it('a lock of a process that is gone is no obstacle', async () => {
    await house.runner.close();
    const child = spawn('true');
    await once(child, 'close');
    await writeFile(join(house.dataDir, 'lock'), `${house.runner.instanceId.slice(0, 8)}-${String(child.pid)}-1-abcd`);
    house.runner = await house.start();
    expect(await house.runner.test('hello')).toMatchObject({ status: 'completed' });
  });

  it('a run that was cut off says so, in results, events, history and registry', async () => {
    const sandbox = await house.runner.open('hello');
    const execution = await sandbox.execute({ command: sh('echo begun; sleep 100') });
    for await (const batch of execution.events()) if (linesOf(batch).length > 0) break;
    // What is on disk at this moment is what a server that is killed now leaves.
    const { cp, mkdtemp } = await import('node:fs/promises');
    const copy = await mkdtemp(join(house.dataDir, 'copy-'));
    for (const name of ['executions', 'history.jsonl', 'sandboxes', 'solutions']) {
      await cp(join(house.dataDir, name), join(copy, name), { recursive: true });
    }
    await appendFile(join(copy, 'history.jsonl'), '{"kind":"end","executionId":"torn');
    const next = await house.start({ dataDir: copy });
    try {
      const result = await next.results(sandbox.id);
      expect(result).toMatchObject({ status: 'failed', cause: 'lost', exitCode: null, stdout: 'begun\n' });
      expect(result.errors.join()).toContain('cut off');
      const events = await allEvents(await next.execution(execution.id));
      expect(events.at(-1)).toMatchObject({ type: 'end', status: 'failed', cause: 'lost' });
      expect(next.history()).toMatchObject([{ executionId: execution.id, status: 'failed' }]);
      expect(house.registry.results.get('hello')).toMatchObject([{ executionId: execution.id, status: 'failed' }]);
      expect(house.provider.reclaimed).toContain(house.runner.instanceId);
      expect(await readdir(join(copy, 'sandboxes'))).toEqual([next.instanceId]);
    } finally {
      await next.close();
    }
  });

  it('a result that the registry did not take is told again until it has it, once, and the next start does not repeat it', async () => {
    const messages: string[] = [];
    const told = (level: string) => (message: string) => {
      messages.push(`${level}: ${message}`);
    };
    const logger = { debug: told('debug'), info: told('info'), warn: told('warn'), error: told('error') };
    await house.runner.close();
    house.runner = await house.start({ tellAgainMs: 5, logger });
    house.registry.failing = true;
    await using sandbox = await house.runner.open('hello');
    const { id } = await sandbox.execute();
    await until(() => messages.includes('debug: The registry did not take a test result'), 30_000);
    expect(house.registry.results.get('hello')).toBeUndefined();
    house.registry.failing = false;
    await until(() => messages.includes('info: The registry has taken a test result after all'), 30_000);
    expect(house.registry.results.get('hello')).toMatchObject([{ executionId: id, status: 'completed' }]);
    expect(messages.filter((message) => message === 'error: The registry did not take a test result')).toHaveLength(1);
    await house.runner.close();
    house.registry.results.clear();
    house.runner = await house.start();
    expect(house.registry.results.size).toBe(0);
  });

  it('a result that the registry refuses for good is told once, with a warning, also over a restart', async () => {
    const warnings: unknown[] = [];
    const logger: Logger = { ...silentLogger, warn: (message, fields) => void warnings.push([message, fields?.error]) };
    const told: string[] = [];
    house.registry.refuses = (_solutionId, { executionId }) => {
      told.push(executionId);
      return new SandboxError('SANDBOX008', 'The unit is too large.');
    };
    await house.runner.close();
    house.runner = await house.start({ tellAgainMs: 5, logger });
    const { executionId } = await house.runner.test('hello');
    house.registry.contents.set('other', { code: 'true\n', main_file: 'main.sh' });
    const later = await house.runner.test('other');
    await house.runner.close();
    house.runner = await house.start({ tellAgainMs: 5, logger });
    const last = await house.runner.test('other');
    expect(told).toEqual([executionId, later.executionId, last.executionId]);
    expect(warnings).toEqual(
      told.map(() => ['The registry refuses a test result, which it is not told again', 'The unit is too large.']),
    );
  });

  it('one result that the registry never takes, and after which it rests, does not keep others from it', async () => {
    let restsUntil = 0;
    house.registry.refuses = (solutionId) => {
      if (performance.now() < restsUntil) return new Error('gave no answer a moment ago');
      if (solutionId !== 'poison') return null;
      restsUntil = performance.now() + 150;
      return new Error('gave no answer');
    };
    house.registry.contents.set('poison', { code: 'true\n', main_file: 'main.sh' });
    await house.runner.close();
    house.runner = await house.start({ tellAgainMs: 200 });
    await house.runner.test('poison');
    house.registry.failing = true;
    await house.runner.test('hello');
    house.registry.failing = false;
    await until(() => house.registry.results.has('hello'), 30_000);
    expect([...house.registry.results.keys()]).toEqual(['hello']);
  });

  it('a result that the registry did not take is given to it at the next start, with the time of its end', async () => {
    house.registry.failing = true;
    const result = await house.runner.test('hello');
    expect(result.status).toBe('completed');
    await house.runner.close();
    const closed = new Date().toISOString();
    house.registry.failing = false;
    house.runner = await house.start();
    const told = house.registry.results.get('hello') ?? [];
    expect(told).toMatchObject([{ executionId: result.executionId, status: 'completed' }]);
    expect(told[0]?.timestamp.localeCompare(closed)).toBe(-1);
  });

  it('leftovers that a provider cannot remove now are kept for the next start', async () => {
    await house.runner.close();
    await mkdir(join(house.dataDir, 'sandboxes', '00000000-1-1-abcd'));
    house.provider.down = true;
    house.runner = await house.start();
    expect(await readdir(join(house.dataDir, 'sandboxes'))).toContain('00000000-1-1-abcd');
    house.provider.down = false;
    await house.runner.close();
    house.runner = await house.start();
    expect(await readdir(join(house.dataDir, 'sandboxes'))).toEqual([house.runner.instanceId]);
  });

  it('a provider that is down and had nothing to do with a dead start holds nothing up, and a failure is an error once', async () => {
    const errors: string[] = [];
    const logger: Logger = {
      ...silentLogger,
      error: (_message, fields) => void errors.push(String(fields?.instanceId)),
    };
    await house.runner.close();
    const unused = new LocalProvider('unused');
    unused.down = true;
    const factory = new SandboxFactory().register(house.provider).register(unused);
    const [clean, unclean] = ['00000000-1-1-aaaa', '00000000-1-1-bbbb'];
    for (const [dead, provider] of [
      [clean, 'local'],
      [unclean, 'unused'],
    ] as const) {
      await mkdir(join(house.dataDir, 'sandboxes', dead));
      await mkdir(join(house.dataDir, 'used', dead), { recursive: true });
      await writeFile(join(house.dataDir, 'used', dead, provider), '');
    }
    house.runner = await house.start({ factory, logger, reclaimEveryMs: 5 });
    expect((await readdir(join(house.dataDir, 'sandboxes'))).sort()).toEqual([unclean, house.runner.instanceId].sort());
    const before = house.provider.reclaimed.length;
    await until(() => house.provider.reclaimed.length > before + 6);
    expect(errors).toEqual([unclean]);
    unused.down = false;
    await until(async () => (await readdir(join(house.dataDir, 'used'))).length === 1);
    expect(await readdir(join(house.dataDir, 'sandboxes'))).toEqual([house.runner.instanceId]);
  });

  it('a provider that hangs while it reclaims is not asked again meanwhile, and holds no end up', async () => {
    await house.runner.close();
    const hanging = new LocalProvider('hanging');
    let calls = 0;
    let answer: (reclaimed: number) => void = () => undefined;
    hanging.reclaim = () => {
      calls += 1;
      return new Promise((resolve) => (answer = resolve));
    };
    const factory = new SandboxFactory().register(house.provider).register(hanging);
    house.runner = await house.start({ factory, reclaimEveryMs: 5 });
    await house.runner.open('hello');
    await new Promise((resolve) => setTimeout(resolve, 200)); // many intervals
    const ended = house.runner.close();
    await until(() => house.provider.boxes.size === 0, 1000);
    await ended;
    expect(calls).toBe(1);
    const other = await house.start();
    answer(0);
    await until(() => calls === 2); // the one look that had waited, which asks for no dead start any more
    answer(0);
    expect(await readdir(join(house.dataDir, 'sandboxes'))).toEqual([other.instanceId]);
    house.runner = other;
  });

  it('leftovers that a provider could not remove at the start go once it is back, as do those of others', async () => {
    await house.runner.close();
    await mkdir(join(house.dataDir, 'sandboxes', '00000000-1-1-abcd'));
    house.provider.down = true;
    house.runner = await house.start({ reclaimEveryMs: 10 });
    house.provider.down = false;
    await until(
      () => house.provider.reclaimed.includes('00000000-1-1-abcd') && house.provider.reclaimed.includes(null),
    );
    await until(async () => (await readdir(join(house.dataDir, 'sandboxes'))).length === 1);
    expect(house.provider.reclaimed).not.toContain(house.runner.instanceId);
  });
});

it.each(['dataDir', 'registry', 'factory'])('a start without %s is refused in a sentence', async (name) => {
  await expect(house.start({ [name]: undefined })).rejects.toMatchObject({
    code: 'SANDBOX008',
    message: `${name}: is missing; a runner needs one.`,
  });
});

it('a ceiling below what can be kept is refused at the start', async () => {
  const start = house.start({ ceiling: { memoryBytes: 4 * 1024 ** 2 } });
  await expect(start).rejects.toMatchObject({
    code: 'SANDBOX008',
    message: 'ceiling.memory: must be at least 8 MiB, the smallest that can be kept.',
  });
});

it('a network beyond the ceiling is refused, whoever asks for it', async () => {
  await house.runner.close();
  house.runner = await house.start({ ceiling: { network: 'none' } });
  house.registry.contents.set('caller', { code: 'true', main_file: 'a.sh', requires_network: true });
  const refusal = { code: 'SANDBOX009', message: expect.stringContaining('this server allows no network') as string };
  await expect(house.runner.open('caller')).rejects.toMatchObject(refusal);
  await expect(house.runner.open('hello', { network: 'full' })).rejects.toMatchObject(refusal);
  await (await house.runner.open('caller', { network: 'none' })).cleanup();
});

it.each([
  [{ code: '', main_file: 'main.py' }, 'python'],
  [{ code: '', main_file: 'main.mjs' }, 'node'],
  [{ code: '', main_file: 'main.sh' }, 'shell'],
  [{ code: '', main_file: 'data.txt', run_command: ['/usr/bin/python3.12', '-m', 'x'] }, 'python'],
  [{ code: '', main_file: 'main.sh', run_command: ['npx', 'x'] }, 'node'],
  [{ code: '', main_file: 'main.py', run_command: ['sh', '-c', 'python main.py'] }, 'python'],
  [{ code: '', main_file: 'data.txt', run_command: ['sh', '-c', 'cat data.txt'] }, 'shell'],
  [{ code: '', main_file: 'main.rb', run_command: ['ruby', 'main.rb'] }, undefined],
])('%j is written in %s, which chooses its image', async (content, language) => {
  house.registry.contents.set('some', content);
  const prepare = jest.spyOn(house.provider, 'prepare');
  const sandbox = await house.runner.open('some');
  await sandbox.ready;
  expect(prepare.mock.calls[0]?.[2].language).toBe(language);
});

it('a field of a solution that nobody knows is named in the selection', async () => {
  house.registry.contents.set('typo', { code: 'true', main_file: 'a.sh', memmory_limit: '1m' });
  const sandbox = await house.runner.open('typo');
  expect(sandbox.selection.notes).toContain('content.memmory_limit is not a field that is known here; it was ignored.');
});

describe('races', () => {
  it('the same execution id in two sandboxes at once: one has it, the other is refused', async () => {
    const sandboxes = [await house.runner.open('hello'), await house.runner.open('hello')];
    const outcomes = await Promise.allSettled(
      sandboxes.map(({ id }) => house.runner.execute(id, { executionId: 'shared' })),
    );
    const refused = outcomes.flatMap((outcome) =>
      outcome.status === 'rejected' ? [outcome.reason as SandboxError] : [],
    );
    expect(refused).toMatchObject([{ code: 'SANDBOX008' }]);
    expect(house.runner.history()).toHaveLength(1);
  });

  it('a sandbox that is being opened during a close is removed with the others', async () => {
    const opening = Promise.allSettled(Array.from({ length: 5 }, () => house.runner.open('hello')));
    await new Promise(setImmediate);
    await house.runner.close();
    expect(house.provider.boxes.size).toBe(0);
    expect(house.runner.active()).toEqual([]);
    await opening;
    await expect(house.runner.open('hello')).rejects.toMatchObject({ code: 'SANDBOX001' });
    expect(await readdir(join(house.dataDir, 'sandboxes'))).toEqual([]);
    house.runner = await house.start();
  });

  it('an execution that is read only after the next one began is whole', async () => {
    const sandbox = await house.runner.open('hello');
    const first = await sandbox.execute();
    await first.result;
    await (
      await sandbox.execute({ command: ['true'] })
    ).result;
    expect(linesOf(await allEvents(first)).sort()).toEqual(['[stderr] oops', '[stdout] hello']);
    await sandbox.cleanup();
    expect((await allEvents(first)).at(-1)).toMatchObject({ type: 'end' });
  });

  it('two cleanups of all count each sandbox once', async () => {
    await house.runner.open('hello');
    await house.runner.open('hello');
    const counts = await Promise.all([house.runner.cleanupAll(), house.runner.cleanupAll()]);
    expect(counts).toEqual([2, 0]);
  });

  it('a sandbox that was removed while it ran is not idle later', async () => {
    await house.runner.close();
    const info = jest.fn();
    house.runner = await house.start({ idleMs: 50, logger: { error: info, warn: info, info, debug: info } });
    const sandbox = await house.runner.open('hello');
    const execution = await sandbox.execute({ command: ['sleep', '60'] });
    await sandbox.ready;
    await sandbox.cleanup();
    await execution.result;
    const other = await house.runner.open('hello');
    await until(() => house.runner.active().length === 0);
    const idle = info.mock.calls.filter(([message]) => String(message).includes('idle')) as [
      string,
      { sandboxId: string },
    ][];
    expect(idle.map(([, { sandboxId }]) => sandboxId)).toEqual([other.id]);
  });
});

it('waiting for results ends with its signal', async () => {
  const sandbox = await house.runner.open('hello');
  await sandbox.execute({ command: ['sleep', '60'] });
  const abort = new AbortController();
  const waiting = house.runner.results(sandbox.id, { waitMs: 60_000, signal: abort.signal });
  abort.abort();
  expect(['preparing', 'running']).toContain((await waiting).status);
});

it('the history before something unknown is refused', async () => {
  await house.runner.test('hello');
  expect(() => house.runner.history({ before: 'nothing' })).toThrow(
    expect.objectContaining({ code: 'SANDBOX008' }) as Error,
  );
  expect(house.runner.history({ before: new Date(0).toISOString() })).toEqual([]);
});

it('a result that the journal cannot take is there until a restart, and says so', async () => {
  const sandbox = await house.runner.open('hello');
  await sandbox.ready;
  // eslint-disable-next-line @typescript-eslint/unbound-method -- called on its own object below
  const real = Journal.prototype.append;
  const full = jest.spyOn(Journal.prototype, 'append').mockImplementation(function (this: Journal, entry, options) {
    if (entry.kind === 'end') return Promise.reject(new SandboxError('SANDBOX004', 'The disk is full.'));
    return real.call(this, entry, options);
  });
  const execution = await sandbox.execute();
  const events = await allEvents(execution);
  full.mockRestore();
  const sentence = expect.stringContaining('could not be written') as string;
  expect(events).toContainEqual(expect.objectContaining({ type: 'error', message: sentence }));
  expect(await house.runner.results(sandbox.id)).toMatchObject({ status: 'completed', exitCode: 0, stdout: 'hello\n' });
  expect(house.runner.history()).toMatchObject([{ executionId: execution.id, status: 'completed' }]);
  const second = await (await sandbox.execute()).result; // the journal takes both now
  expect(await house.runner.results(sandbox.id, { executionId: execution.id })).toMatchObject({ status: 'completed' });
  await house.runner.close();
  house.runner = await house.start();
  expect(await house.runner.results(sandbox.id, { executionId: execution.id })).toMatchObject({ status: 'completed' });
  expect(second.status).toBe('completed');
});

it('a server in another pid namespace holds its data folder by the socket that answers', async () => {
  await house.runner.close();
  const elsewhere = '0123abcd-7-7-abcd'; // as a server in a container that shares the folder is named
  await writeFile(join(house.dataDir, 'lock'), elsewhere);
  const sign = await raiseSign(house.dataDir, elsewhere);
  await expect(house.start()).rejects.toMatchObject({ code: 'SANDBOX001' });
  await sign.close();
  house.runner = await house.start();
  expect(await house.runner.test('hello')).toMatchObject({ status: 'completed' });
});

it('a data folder with a long path can be locked too', async () => {
  const dataDir = join(house.dataDir, 'long'.repeat(30));
  const runner = await house.start({ dataDir });
  await expect(house.start({ dataDir })).rejects.toMatchObject({ code: 'SANDBOX001' });
  await runner.close();
  expect((await readdir(dataDir)).filter((name) => name.startsWith('.'))).toEqual([]);
});

it('a damaged journal stops the start with a sentence', async () => {
  await house.runner.close();
  const path = join(house.dataDir, 'history.jsonl');
  const before = await readFile(path, 'utf8');
  await writeFile(path, `${before}null\n`);
  await expect(house.start()).rejects.toMatchObject({
    code: 'SANDBOX001',
    message: expect.stringContaining(`damaged at byte ${String(before.length)}`) as string,
  });
  await writeFile(path, before);
  house.runner = await house.start();
});
