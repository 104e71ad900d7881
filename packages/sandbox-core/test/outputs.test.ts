import { readdirSync } from 'node:fs';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readTar, SandboxError } from '../src/index.js';
import type { KeptOutput, SandboxFiles, SandboxResult } from '../src/index.js';
import { allEvents, makeHouse, until } from './house.js';
import type { House } from './house.js';
import { localCapabilities } from './local-provider.js';

let house: House;
beforeEach(async () => {
  house = await makeHouse();
});
afterEach(async () => {
  await house.close();
});

async function run(script: string): Promise<SandboxResult & { executionId: string }> {
  const sandbox = await house.runner.open('hello');
  const execution = await sandbox.execute({ command: ['bash', '-c', `cd "$OUTPUT_DIR"\n${script}`] });
  const result = await execution.result;
  await sandbox.cleanup();
  return { ...result, executionId: execution.id };
}
async function text(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts).toString();
}
async function codeOf(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => 'none',
    (error: unknown) => (error as { code: string }).code,
  );
}
async function contents(output: KeptOutput): Promise<Record<string, string>> {
  const pairs = output.entries.map(async ({ path }) => [path, await text(output.read(path))] as const);
  return Object.fromEntries(await Promise.all(pairs));
}
const kept = (): string[] => readdirSync(join(house.dataDir, 'outputs')).sort();

describe('what a program leaves in /output', () => {
  it('is kept with the result, after cleanup and restart, whole and in parts and as an archive', async () => {
    const result = await run(
      'mkdir -p plots/deep empty; echo one >a.txt; echo -n 0123456789 >plots/deep/b; echo x >"new\nline"; chmod 700 a.txt',
    );
    expect(result).toMatchObject({ status: 'completed', errors: [], files: ['a.txt', 'new\nline', 'plots/deep/b'] });
    for (const restarted of [false, true]) {
      if (restarted) {
        await house.runner.close();
        house.runner = await house.start();
      }
      const output = await house.runner.outputs(result.executionId);
      expect(await contents(output)).toEqual({ 'a.txt': 'one\n', 'new\nline': 'x\n', 'plots/deep/b': '0123456789' });
      expect(output.entries[0]).toMatchObject({ path: 'a.txt', bytes: 4, mode: 0o700 });
      expect(Math.abs(Date.now() - (output.entries[0]?.modifiedMs ?? 0))).toBeLessThan(60_000);
      const part = (offset: number, length?: number): Promise<string> =>
        text(output.read('plots/deep/b', length === undefined ? { offset } : { offset, length }));
      expect([await part(3), await part(3, 4), await part(0, 0), await part(10), await part(99, 5)]).toEqual([
        '3456789',
        '3456',
        '',
        '',
        '',
      ]);
      expect(await codeOf(part(-1))).toBe('SANDBOX008');
      expect(await codeOf(text(output.read('plots')))).toBe('SANDBOX012');
      const archived: string[] = [];
      for await (const { path } of readTar(output.tar(), { maxEntries: 10, maxBytes: 100 })) archived.push(path);
      expect(archived.sort()).toEqual(['a.txt', 'new\nline', 'plots/deep/b']);
      expect((await house.runner.results(result.sandboxId)).files).toEqual(result.files);
    }
    expect(kept()).toEqual([`${result.executionId}.json`, `${result.executionId}.tar`]);
    await rm(join(house.dataDir, 'outputs', `${result.executionId}.json`));
    expect(await codeOf(house.runner.outputs(result.executionId))).toBe('SANDBOX012');
    expect(await codeOf(house.runner.outputs('unknown'))).toBe('SANDBOX006');
  });

  it('is kept as it was when each execution ended', async () => {
    const sandbox = await house.runner.open('hello');
    const ids: string[] = [];
    for (const word of ['first', 'second']) {
      const execution = await sandbox.execute({ command: ['sh', '-c', `echo ${word} >>"$OUTPUT_DIR/f"`] });
      await execution.result;
      ids.push(execution.id);
    }
    const outputs = await Promise.all(ids.map((id) => house.runner.outputs(id).then(contents)));
    expect(outputs).toEqual([{ f: 'first\n' }, { f: 'first\nsecond\n' }]);
  });

  it('is kept of a run that failed, was stopped or ran out of time, too', async () => {
    expect((await run('echo x >f; exit 3')).files).toEqual(['f']);
    const sandbox = await house.runner.open('hello', { timeout: 0.5 });
    const late = await sandbox.execute({ command: ['sh', '-c', 'echo x >"$OUTPUT_DIR/late"; sleep 100'] });
    expect(await late.result).toMatchObject({ status: 'timeout', files: ['late'] });
    const other = await house.runner.open('hello');
    const stopped = await other.execute({ command: ['sh', '-c', 'echo x >"$OUTPUT_DIR/s"; echo up; sleep 100'] });
    for await (const events of stopped.events()) if (events.some(({ type }) => type === 'line')) break;
    await other.cleanup();
    expect(await stopped.result).toMatchObject({ status: 'stopped', files: ['s'] });
  });

  it('is nothing: an empty list, no process in the sandbox, nothing on the disk', async () => {
    const assist = jest.spyOn(house.provider, 'files');
    const result = await run('echo hi');
    expect(result).toMatchObject({ files: [], errors: [] });
    expect(assist).not.toHaveBeenCalled();
    const output = await house.runner.outputs(result.executionId);
    expect(output.entries).toEqual([]);
    expect(await codeOf(text(output.read('f')))).toBe('SANDBOX012');
    const entries: string[] = [];
    for await (const { path } of readTar(output.tar(), { maxEntries: 1, maxBytes: 0 })) entries.push(path);
    expect(entries).toEqual([]);
    expect((await run('mkdir -p a/b')).files).toEqual([]);
    expect(kept()).toEqual([]);
  });

  it('is kept without links and special files and names that are none, which is said', async () => {
    const result = await run(
      'echo x >f; ln -s /etc/passwd l; ln -s / root; mkfifo p; touch "a\\\\b" $\'\\xff\'; mkdir d; ln f d/h; sleep 0',
    );
    expect(result.files).toEqual(['d/h', 'f']);
    expect(result.errors).toEqual([
      '3 in /output were not kept: links or special files.',
      '2 in /output were not kept: their names are too long, have a backslash, or are no UTF-8.',
    ]);
    const told = await house.runner.execution(result.executionId).then(allEvents);
    expect(told.flatMap((event) => (event.type === 'error' ? [event.message] : []))).toEqual(result.errors);
  });

  it('is kept up to bounds, which is said', async () => {
    const many = await run('seq -f f%.0f 1 10050 | xargs touch');
    expect(many.files).toHaveLength(10_000);
    expect(many.errors).toEqual([
      '/output holds more than can be kept (10000 files, 1 GiB in all): 10000 files were kept.',
    ]);
    const sparse = await run('truncate -s 1T huge; echo x >f');
    expect(sparse.files).toEqual(['f']);
    expect(sparse.errors).toEqual(['1 in /output were not kept: files over 1 GiB.']);
    const names = await run('n=$(printf "%0250d" 0); for i in $(seq 5000); do : >$i$n; done');
    expect(names.files?.length).toBeGreaterThan(4000);
    expect(names.files?.length).toBeLessThan(4300);
    expect(names.errors).toHaveLength(1);
  });

  it('is not there yet while the program runs, nor of one that never ran', async () => {
    const sandbox = await house.runner.open('hello');
    const running = await sandbox.execute({ command: ['sleep', '100'] });
    expect(await codeOf(house.runner.outputs(running.id))).toBe('SANDBOX007');
    await running.stop();
    const absent = await sandbox.execute({ command: ['/no/such/program'] });
    expect(await absent.result).toMatchObject({ cause: 'not-started', files: null });
    expect(await codeOf(house.runner.outputs(absent.id))).toBe('SANDBOX012');
  });
});

describe('a run whose output cannot be collected', () => {
  /** Gives a sandbox's archive for another. */
  function packAs(pack: SandboxFiles['pack']): void {
    const way = house.provider.files.bind(house.provider);
    house.provider.files = (id) => {
      const files = { ...way(id) };
      if (pack === undefined) delete files.pack;
      else files.pack = pack;
      return files;
    };
  }

  it.each<[string, () => AsyncGenerator<Uint8Array>, string]>([
    [
      'is lost meanwhile',
      async function* () {
        yield await Promise.resolve(Buffer.alloc(0));
        throw new SandboxError('SANDBOX011', 'It is gone.');
      },
      'It is gone.',
    ],
    [
      'gives no archive',
      async function* () {
        yield await Promise.resolve(Buffer.alloc(1000, 'x'));
      },
      'The tar archive is damaged: a header has the wrong checksum.',
    ],
  ])('since the sandbox %s ends truthfully: no files, and a sentence', async (_what, pack, sentence) => {
    packAs(pack);
    const result = await run('echo x >f');
    expect(result).toMatchObject({ status: 'completed', exitCode: 0, files: null });
    expect(result.errors).toEqual([`The files in /output could not be kept: ${sentence}`]);
    expect(await codeOf(house.runner.outputs(result.executionId))).toBe('SANDBOX012');
    expect(kept()).toEqual([]);
  });

  it('since the server cannot write ends truthfully, and names no path of the server', async () => {
    await rm(join(house.dataDir, 'outputs'), { recursive: true });
    await writeFile(join(house.dataDir, 'outputs'), 'no folder');
    const result = await run('echo x >f');
    expect(result).toMatchObject({ status: 'completed', files: null });
    expect(result.errors).toEqual([
      'The files in /output could not be kept: The disk of the server did not take them.',
    ]);
    await rm(join(house.dataDir, 'outputs'));
  });

  it('since its provider has no way to files, or to pack them, just has none', async () => {
    packAs(undefined);
    expect(await run('echo x >f')).toMatchObject({ files: null, errors: [] });
    house.provider.probeResult = { available: true, capabilities: { ...localCapabilities, files: false } };
    await house.runner.close();
    house.runner = await house.start();
    expect(await run('echo x >f')).toMatchObject({ files: null, errors: [] });
  });
});

describe('a server that is killed while it keeps an output', () => {
  /** What is on disk at a moment is what a server that is killed then leaves. */
  async function copyOf(dataDir: string): Promise<string> {
    const copy = await mkdtemp(join(dataDir, 'copy-'));
    for (const name of ['executions', 'history.jsonl', 'sandboxes', 'solutions', 'outputs']) {
      await cp(join(dataDir, name), join(copy, name), { recursive: true });
    }
    return copy;
  }

  it('leaves nothing half-written, and all that was whole; the run says that it was cut off', async () => {
    const { dataDir, provider } = house;
    const done = await run('echo x >f');
    const way = provider.files.bind(provider);
    let release = (): void => undefined;
    const gate = new Promise<void>((resolve) => (release = resolve));
    const packed = (id: string, args: Parameters<NonNullable<SandboxFiles['pack']>>): AsyncIterable<Uint8Array> =>
      (way(id) as Required<SandboxFiles>).pack(...args);
    provider.files = (id) => ({
      ...way(id),
      pack: async function* (...args) {
        const all = await text(packed(id, args));
        yield Buffer.from(all.slice(0, 200_000));
        await gate;
        yield Buffer.from(all.slice(200_000));
      },
    });
    const sandbox = await house.runner.open('hello');
    const command = ['sh', '-c', 'cd "$OUTPUT_DIR"; yes | head -c 300000 >a; cp a b'];
    const execution = await sandbox.execute({ command });
    await until(() => kept().some((name) => name.endsWith('.part')));
    expect(sandbox.status).toBe('running');
    const half = await copyOf(dataDir);
    for (const name of ['noindex.tar', 'unknown.tar', 'unknown.json', 'stray']) {
      await writeFile(join(half, 'outputs', name), 'x');
    }
    // Whole on disk, and the journal has no end yet.
    await cp(join(half, 'outputs', `${done.executionId}.tar`), join(half, 'outputs', `${execution.id}.tar`));
    await cp(join(half, 'outputs', `${done.executionId}.json`), join(half, 'outputs', `${execution.id}.json`));
    release();
    expect((await execution.result).files).toEqual(['a', 'b']);
    const next = await house.start({ dataDir: half });
    try {
      expect(readdirSync(join(half, 'outputs')).sort()).toEqual([
        `${done.executionId}.json`,
        `${done.executionId}.tar`,
      ]);
      expect(await contents(await next.outputs(done.executionId))).toEqual({ f: 'x\n' });
      expect(await next.results(sandbox.id)).toMatchObject({ cause: 'lost', files: null });
      expect(await codeOf(next.outputs(execution.id))).toBe('SANDBOX012');
    } finally {
      await next.close();
    }
    const later = await house.start({ dataDir: await copyOf(dataDir) });
    try {
      expect(await text((await later.outputs(execution.id)).read('b', { offset: 299_999 }))).toBe('\n');
    } finally {
      await later.close();
    }
  });
});
