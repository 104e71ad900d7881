import { appendFile, copyFile, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionEvent, LogEntry } from '../contract/events.js';
import { EventLog } from './event-log.js';

const cutOffEntries: LogEntry[] = [
  { type: 'error', message: 'The server died during the run.' },
  { type: 'end', status: 'failed', cause: 'lost', exitCode: null },
];

let folder: string;
let whole: string;
let events: ExecutionEvent[];

async function collect(path: string): Promise<ExecutionEvent[]> {
  await using log = await EventLog.read(path);
  const collected: ExecutionEvent[] = [];
  for await (const batch of log.events()) collected.push(...batch);
  return collected;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'log-recovery-'));
  whole = join(folder, 'whole.log');
  const log = await EventLog.create(whole, { outputLimitBytes: 500 });
  for (let n = 0; n < 40; n++) {
    void log.output({ stream: n % 3 === 0 ? 'stderr' : 'stdout', data: Buffer.from(`${n} begins\n${n} ends`), at: n });
    if (n % 10 === 0) log.append({ type: 'phase', phase: 'run' }, n);
    await log.flush(); // a write of its own
  }
  await log[Symbol.asyncDispose](); // without an end, as after a crash
  events = await collect(whole);
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

it('reads a log that was torn at any byte up to its last whole write, and ends it', async () => {
  const size = (await readFile(whole)).length;
  expect(size).toBeGreaterThan(500);
  const lengths = new Set<number>();
  for (let at = 0; at <= size; at += 7) {
    const path = join(folder, 'torn.log');
    await copyFile(whole, path);
    await truncate(path, at);
    const seen = await collect(path);
    expect(seen).toEqual(events.slice(0, seen.length));
    lengths.add(seen.length);

    const log = await EventLog.read(path);
    expect(log.ended).toBe(false);
    const before = log.lastSeq;
    await log.cutOff(cutOffEntries);
    expect(log).toMatchObject({ ended: true, failure: null });
    await log[Symbol.asyncDispose]();

    const ended = await collect(path);
    expect(ended.slice(0, seen.length)).toEqual(seen);
    expect(ended.slice(-2)).toMatchObject(cutOffEntries);
    const added = ended.slice(seen.length);
    // What was left of a line of each stream, then the entries, numbered beyond all that anybody can have seen.
    expect(added.slice(0, -2).every(({ type }) => type === 'line')).toBe(true);
    expect(added.every(({ seq }, n) => seq > before + 2 ** 31 && (n === 0 || seq > (added[n - 1]?.seq ?? 0)))).toBe(
      true,
    );
  }
  expect(lengths.size).toBeGreaterThan(10);
});

it('stops before a tail of zeros or noise, and before a block with a wrong byte', async () => {
  for (const tail of [Buffer.alloc(5000), Buffer.alloc(5000, 0xff), Buffer.alloc(300_000, 'noise')]) {
    const path = join(folder, 'tail.log');
    await copyFile(whole, path);
    await appendFile(path, tail);
    expect(await collect(path)).toEqual(events);
  }
  const bytes = await readFile(whole);
  bytes.writeUInt8((bytes[400] ?? 0) ^ 1, 400);
  const path = join(folder, 'wrong.log');
  await writeFile(path, bytes);
  const seen = await collect(path);
  expect(seen).toEqual(events.slice(0, seen.length));
  expect(seen.length).toBeLessThan(events.length);
});

it('remembers after a crash that output was discarded', async () => {
  await using log = await EventLog.read(whole);
  expect(log).toMatchObject({ truncated: true, outputBytes: 500 });
});

it('refuses what is no event log, and to end one twice', async () => {
  const path = join(folder, 'other.log');
  await writeFile(path, 'something else\n\n');
  await expect(EventLog.read(path)).rejects.toThrow('is not an event log');
  await expect(EventLog.read(join(folder, 'none.log'))).rejects.toThrow('ENOENT');
  const ended = join(folder, 'ended.log');
  await copyFile(whole, ended);
  await using log = await EventLog.read(ended);
  await expect(log.cutOff([])).rejects.toThrow('is its end');
  await log.cutOff(cutOffEntries);
  await expect(log.cutOff(cutOffEntries)).rejects.toThrow('cut off');
});
