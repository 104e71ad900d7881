import { spawn } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { createInterface } from 'node:readline';
import { transformFile } from '@swc/core';
import type { ExecutionEvent } from '../contract/events.js';
import { EventLog } from './event-log.js';

type Child = ChildProcessByStdio<null, Readable, null>;

// What only a process of its own can show: its death, its memory, its file size limit.

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'log-process-'));
  const compiled = join(folder, 'execution');
  await mkdir(compiled);
  for (const name of await readdir(__dirname)) {
    if (!name.endsWith('.ts') || name.endsWith('.test.ts')) continue;
    const { code } = await transformFile(join(__dirname, name), {
      swcrc: false,
      module: { type: 'commonjs' },
      jsc: { target: 'es2022', parser: { syntax: 'typescript' } },
    });
    await writeFile(join(compiled, name.replace(/ts$/, 'js')), code);
  }
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

/** Runs a script that has `EventLog`, `path`, `exited` and `say`, which sends a line to us. */
async function start(name: string, script: string, options: readonly string[] = []): Promise<Child & { path: string }> {
  const path = join(folder, `${name}.log`);
  const file = join(folder, `${name}.js`);
  await writeFile(
    file,
    `const { EventLog } = require('./execution/index.js');
    const path = ${JSON.stringify(path)};
    const exited = { type: 'end', status: 'completed', cause: 'exited', exitCode: 0 };
    const say = (value) => require('node:fs').writeSync(1, JSON.stringify(value) + '\\n');
    (async () => { ${script} })().catch((error) => { console.error(error); process.exit(1); });`,
  );
  const child = spawn(process.execPath, [...options, file], { stdio: ['ignore', 'pipe', 'inherit'] });
  return Object.assign(child, { path });
}

async function lastWord(child: Child): Promise<unknown> {
  let last: unknown;
  const exited = once(child, 'exit');
  for await (const line of createInterface({ input: child.stdout })) last = JSON.parse(line);
  expect(await exited).toEqual([0, null]);
  return last;
}

async function collect(log: EventLog): Promise<ExecutionEvent[]> {
  const events: ExecutionEvent[] = [];
  for await (const batch of log.events()) events.push(...batch);
  return events;
}

it('has after kill -9 all that any reader had seen', async () => {
  for (let round = 0; round < 6; round++) {
    const child = await start(
      `killed-${round}`,
      `const log = await EventLog.create(path, { outputLimitBytes: 2 ** 30 });
      (async () => { for await (const batch of log.events()) say(batch.at(-1).seq); })();
      for (let n = 0; ; n++) {
        const data = Buffer.from(('line ' + n + '\\n').repeat(1 + n % 300) + 'and');
        await log.output({ stream: n % 2 ? 'stderr' : 'stdout', data, at: n });
        if (n % 5 === 0) await new Promise(setImmediate);
      }`,
    );
    const killAfter = 1 + Math.floor(Math.random() * 400);
    let heard = 0;
    let seen = 0;
    const gone = once(child, 'exit');
    for await (const line of createInterface({ input: child.stdout })) {
      if (line.length > 0) seen = Number(line);
      if (++heard === killAfter) child.kill('SIGKILL');
    }
    expect(await gone).toEqual([null, 'SIGKILL']);

    await using log = await EventLog.read(child.path);
    expect(log).toMatchObject({ ended: false, truncated: false });
    expect(log.lastSeq).toBeGreaterThanOrEqual(seen);
    const events = await collect(log);
    const seqs = new Set(events.map(({ seq }) => seq));
    expect(seqs.has(seen)).toBe(true);
    const { stdout, stderr } = await log.text(2 ** 28);
    const written = { stdout: '', stderr: '' };
    for (let n = 0; written.stdout.length < stdout.length || written.stderr.length < stderr.length; n++) {
      written[n % 2 ? 'stderr' : 'stdout'] += `line ${n}\n`.repeat(1 + (n % 300)) + 'and';
    }
    expect(written.stdout.startsWith(stdout) && written.stderr.startsWith(stderr)).toBe(true);
    await log.cutOff([{ type: 'end', status: 'failed', cause: 'lost', exitCode: null }]);
    expect((await collect(log)).at(-1)).toMatchObject({ type: 'end', cause: 'lost' });
  }
});

it('needs little memory for 500 MB of output beside a reader that sleeps and one that is slow', async () => {
  const child = await start(
    'memory',
    `const log = await EventLog.create(path, { outputLimitBytes: 2 ** 30 });
    const line = Buffer.from('x'.repeat(63) + '\\n');
    const chunk = Buffer.alloc(65536, line);
    let most = 0;
    const measure = () => { most = Math.max(most, process.memoryUsage().rss); };
    const before = process.memoryUsage().rss;
    let wake;
    const woken = new Promise((resolve) => (wake = resolve));
    const count = async (pause) => {
      let lines = 0;
      for await (const batch of log.events()) {
        lines += batch.filter((event) => event.type === 'line').length;
        measure();
        await pause(lines);
      }
      return lines;
    };
    const sleeping = count(() => woken);
    const slow = count((lines) => (lines % 64 === 0 ? new Promise(setImmediate) : undefined));
    for (let n = 0; n < 7630; n++) { await log.output({ stream: 'stdout', data: chunk, at: n }); measure(); }
    await log.end(exited);
    wake();
    say({ lines: [await sleeping, await slow], grownMiB: (most - before) / 2 ** 20 });`,
    ['--max-old-space-size=48', '--max-semi-space-size=8'],
  );
  const { lines, grownMiB } = (await lastWord(child)) as { lines: number[]; grownMiB: number };
  expect(lines).toEqual([7630 * 1024, 7630 * 1024]);
  expect(grownMiB).toBeLessThan(120);
});

it.each([
  ['for a while', true],
  ['for good', false],
])(
  'goes on when the file can take no more %s: readers get what is there, and the end',
  async (_, endIsKept) => {
    // A file size limit of the process's own, set once the log is there, fails writes as a full disk does.
    const child = await start(
      `full-${endIsKept}`,
      `const log = await EventLog.create(path, { outputLimitBytes: 2 ** 30 });
    const { execFileSync } = require('node:child_process');
    const limit = (bytes) => execFileSync('prlimit', ['--pid', String(process.pid), '--fsize=' + bytes + ':']);
    const collect = async () => { const all = []; for await (const batch of log.events()) all.push(...batch); return all; };
    const live = collect();
    limit(1000000);
    let waited = 0;
    for (let n = 0; n < 200; n++) {
      const wait = log.output({ stream: 'stdout', data: Buffer.alloc(50000, 'y'.repeat(49) + '\\n'), at: n });
      if (wait) { waited++; await wait; }
      if (n % 10 === 0) await new Promise(setImmediate);
    }
    await log.flush();
    log.append({ type: 'notice', message: 'unheard' });
    log.append({ type: 'error', message: 'said at the end: ' + log.failure.code });
    limit(${endIsKept ? 1000000 : 0});
    await log.end(exited);
    const events = await live;
    const late = await collect();
    say({
      same: JSON.stringify(events) === JSON.stringify(late),
      lines: events.filter((event) => event.type === 'line').length,
      last: events.slice(-2).map(({ type, message }) => message ?? type),
      failure: log.failure.code,
      truncated: log.truncated,
      outputBytes: log.outputBytes,
      discardedBytes: log.discardedBytes,
      droppedEntries: log.droppedEntries,
    });
    await log[Symbol.asyncDispose]();`,
    );
    const said = (await lastWord(child)) as Record<string, unknown>;
    const outputBytes = Number(said.outputBytes);
    expect(outputBytes).toBeGreaterThan(300_000);
    expect(outputBytes).toBeLessThan(1_000_000);
    expect(said).toEqual({
      same: true,
      lines: outputBytes / 50,
      last: ['said at the end: EFBIG', 'end'],
      failure: 'EFBIG',
      truncated: false,
      outputBytes,
      discardedBytes: 10_000_000 - outputBytes,
      droppedEntries: 1,
    });
    await using kept = await EventLog.read(child.path);
    expect(kept).toMatchObject({ ended: endIsKept, outputBytes });
    if (endIsKept) expect(kept.discardedBytes).toBe(10_000_000 - outputBytes);
  },
  30_000,
);
