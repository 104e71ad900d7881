import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isSandboxProvider, isSandboxError, resolveLimits, SandboxError } from '../src/index.js';
import type { CommandSpec, OutputChunk, Report, SandboxConfig, SandboxProcess, TtySize } from '../src/index.js';
import { until } from './house.js';
import { LocalProvider, type LocalBox } from './local-provider.js';

let provider: LocalProvider;
let folder: string;
const config: SandboxConfig = {
  sandboxId: 'box',
  instanceId: 'i',
  ownerId: 'o',
  limits: resolveLimits({}, {}, {}).limits,
  network: { mode: 'none' },
  environment: { FROM: 'config', BOTH: 'config' },
  mounts: [],
};
const options = { timeoutMs: 10_000, killGraceMs: 200 };
const sh = (script: string): string[] => ['sh', '-c', script];

beforeEach(async () => {
  provider = new LocalProvider();
  folder = await mkdtemp(join(tmpdir(), 'managed-'));
  await writeFile(join(folder, 'file'), 'content\n');
});
afterEach(async () => {
  await provider[Symbol.asyncDispose]();
  expect(provider.boxes.size).toBe(0);
  await rm(folder, { recursive: true, force: true });
});

async function run(command: string[], more: object = {}): Promise<string> {
  const chunks: OutputChunk[] = [];
  for await (const chunk of provider.execute('box', command, { ...options, ...more })) chunks.push(chunk);
  return Buffer.concat(chunks.map(({ data }) => data)).toString();
}

describe('a managed provider', () => {
  it('prepares, runs one command after the other, tells each end, cleans', async () => {
    expect(await provider.prepare('solution', folder, config)).toBe('box');
    await expect(provider.getResult('box')).rejects.toMatchObject({ code: 'SANDBOX008' });
    expect(await run(sh('cat file; echo $FROM $BOTH $MORE'), { environment: { BOTH: 'options', MORE: 'yes' } })).toBe(
      'content\nconfig options yes\n',
    );
    expect(await provider.getResult('box')).toMatchObject({ cause: 'exited', exitCode: 0 });
    await run(sh('exit 9'));
    expect(await provider.getResult('box')).toMatchObject({ cause: 'exited', exitCode: 9 });
    expect(await provider.cleanup('box')).toBe(true);
    expect(await provider.cleanup('box')).toBe(false);
    await expect(provider.getResult('box')).rejects.toMatchObject({ code: 'SANDBOX006' });
    await expect(run(['true'])).rejects.toMatchObject({ code: 'SANDBOX006' });
  });

  it('refuses a second command while one runs, and a second sandbox of the same id', async () => {
    await provider.prepare('solution', folder, config);
    await expect(provider.prepare('solution', folder, config)).rejects.toMatchObject({ code: 'SANDBOX008' });
    const first = provider.execute('box', ['cat'], { ...options, stdin: neverEnding() });
    const next = first.next();
    await expect(run(['true'])).rejects.toMatchObject({ code: 'SANDBOX007' });
    await expect(provider.getResult('box')).rejects.toMatchObject({ code: 'SANDBOX007' });
    await provider.cleanup('box');
    expect((await next).done).toBe(true);
  });

  it('a reader that leaves ends the run, and the tree is gone when it has left', async () => {
    await provider.prepare('solution', folder, config);
    let pid = 0;
    for await (const chunk of provider.execute('box', sh('sleep 1000 & echo $!; wait'), options)) {
      pid = Number(Buffer.from(chunk.data).toString());
      break;
    }
    expect(pid).toBeGreaterThan(1);
    expect(isRunning(pid)).toBe(false);
    expect(await provider.getResult('box')).toMatchObject({ cause: 'stopped', exitCode: null });
    expect(await run(['echo', 'again'])).toBe('again\n');
  });

  it('the first cause wins: a stop while the deadline ends it changes nothing', async () => {
    await provider.prepare('solution', folder, config);
    const abort = new AbortController();
    const running = run(sh('trap "" TERM; while :; do sleep 0.02; done'), { timeoutMs: 100, signal: abort.signal });
    setTimeout(() => {
      abort.abort();
    }, 150);
    await running;
    expect(await provider.getResult('box')).toMatchObject({ cause: 'timeout', exitCode: null });
  });

  it('closes the stdin whose source fails, so that the program does not wait for the rest, and says so', async () => {
    await provider.prepare('solution', folder, config);
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('half');
      throw new Error('the source broke off');
    }
    const reports: Report[] = [];
    const report = (each: Report): number => reports.push(each);
    expect(await run(['cat'], { stdin: broken(), report })).toBe('half');
    expect(reports).toContainEqual({ type: 'notice', message: 'stdin was cut off: the source broke off' });
  });

  it('passes the sizes of a terminal on while its program runs', async () => {
    const sizes: TtySize[] = [];
    provider = new (class extends LocalProvider {
      protected override async spawn(box: LocalBox, spec: CommandSpec): Promise<SandboxProcess> {
        return { ...(await super.spawn(box, spec)), resize: async (size) => void sizes.push(size) };
      }
    })();
    await provider.prepare('solution', folder, config);
    async function* resizes(): AsyncGenerator<TtySize> {
      yield { cols: 100, rows: 30 };
      yield { cols: 120, rows: 40 };
      await new Promise(() => undefined); // what waits is not waited for
    }
    await run(['sleep', '0.1'], { tty: { cols: 80, rows: 24, resizes: resizes() } });
    expect(sizes).toEqual([
      { cols: 100, rows: 30 },
      { cols: 120, rows: 40 },
    ]);
  });

  it('passes stdin on and closes it, and a program that does not read it is no error', async () => {
    await provider.prepare('solution', folder, config);
    async function* input(): AsyncGenerator<Uint8Array> {
      yield await Promise.resolve(Buffer.from('a'));
      yield Buffer.from('b');
    }
    expect(await run(['cat'], { stdin: input() })).toBe('ab');
    const reports: Report[] = [];
    expect(await run(['true'], { stdin: input(), report: (report: Report) => reports.push(report) })).toBe('');
    expect(reports.filter(({ type }) => type === 'notice')).toEqual([]);
  });

  it('reports the start and samples', async () => {
    await provider.prepare('solution', folder, config);
    const reports: Report[] = [];
    await run(['sleep', '0.2'], { report: (report: Report) => reports.push(report) });
    expect(reports[0]).toEqual({ type: 'phase', phase: 'started' });
    expect(reports).toContainEqual({ type: 'sample', usage: expect.objectContaining({ memoryBytes: 1024 }) as object });
  });

  it('a preparation that is cancelled, by its signal or by cleanup, leaves nothing', async () => {
    provider.gate = new Promise(() => undefined);
    const abort = new AbortController();
    const byAbort = provider.prepare('solution', folder, { ...config, signal: abort.signal });
    abort.abort();
    await expect(byAbort).rejects.toMatchObject({ code: 'SANDBOX011' });
    const byCleanup = provider.prepare('solution', folder, config);
    const rejected = expect(byCleanup).rejects.toMatchObject({ code: 'SANDBOX011' });
    expect(await provider.cleanup('box')).toBe(true);
    await rejected;
    expect(provider.boxes.size).toBe(0);
  });

  it('a cleanup that fails keeps the sandbox known, so that it can be tried again', async () => {
    await provider.prepare('solution', folder, config);
    provider.failNextClose = true;
    await expect(provider.cleanup('box')).rejects.toThrow('stuck');
    await until(() => provider.boxes.size === 1);
    expect(await provider.cleanup('box')).toBe(true);
  });

  it('a failed preparation that leaves something says both, and cleanup removes it', async () => {
    const place = jest.spyOn(provider, 'place' as never);
    place.mockRejectedValueOnce(new SandboxError('SANDBOX009', 'It does not fit.') as never);
    provider.failNextClose = true;
    await expect(provider.prepare('solution', folder, config)).rejects.toMatchObject({
      code: 'SANDBOX009',
      message: expect.stringMatching(
        /^It does not fit\. What had been made could not be removed yet: .*stuck/,
      ) as string,
    });
    expect(provider.boxes.size).toBe(1);
    expect(await provider.cleanup('box')).toBe(true);
    expect(provider.boxes.size).toBe(0);
  });

  it('is known as a provider, and its errors as ours, across copies of the core', () => {
    expect(isSandboxProvider(provider)).toBe(true);
    expect(isSandboxProvider({ name: 'x' })).toBe(false);
    expect(isSandboxError(new SandboxError('SANDBOX001', 'x'))).toBe(true);
    expect(isSandboxError(new Error('x'))).toBe(false);
  });

  it('refuses a folder that is not there, and leaves nothing', async () => {
    await expect(provider.prepare('solution', join(folder, 'none'), config)).rejects.toMatchObject({
      code: 'SANDBOX008',
    });
    expect(await provider.cleanup('box')).toBe(false);
  });

  it('refuses what it does not claim with SANDBOX009', () => {
    const volume = { storeId: 's', ownerId: 'o', solutionId: 'hello', name: 'v', target: '/volumes/v' };
    const gpu = { ...config, gpus: 1, image: 'x', runtime: 'r', volumes: [volume] };
    const fields = provider.check(gpu, provider.probeResult).map(({ field }) => field);
    expect(fields).toEqual(['gpus', 'volumes', 'image', 'runtime']);
  });
});

async function* neverEnding(): AsyncGenerator<Uint8Array> {
  yield Buffer.from('');
  await new Promise(() => undefined);
}

/** False for a process that is gone, or dead and not yet collected by its parent. */
function isRunning(pid: number): boolean {
  const { stdout } = spawnSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' });
  return stdout.trim() !== '' && !stdout.startsWith('Z');
}
