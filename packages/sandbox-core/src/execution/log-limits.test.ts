import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { ExecutionEvent } from '../contract/events.js';
import { unmeasuredUsage } from '../contract/usage.js';
import { EventLog } from './event-log.js';

const exited = { type: 'end', status: 'completed', cause: 'exited', exitCode: 0 } as const;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'log-limits-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

async function collect(log: EventLog): Promise<ExecutionEvent[]> {
  const events: ExecutionEvent[] = [];
  for await (const batch of log.events()) events.push(...batch);
  return events;
}

it.each([0, 1, 9, 10, 100_003])('captures exactly %d bytes and counts what it discards', async (outputLimitBytes) => {
  await using log = await EventLog.create(join(folder, `limit-${outputLimitBytes}.log`), { outputLimitBytes });
  for (let n = 0; n < 30; n++) {
    void log.output({ stream: n % 2 === 0 ? 'stdout' : 'stderr', data: Buffer.alloc(5000, `${n % 10}\n`), at: n });
  }
  await log.end(exited);
  await using kept = await EventLog.read(log.path);
  const discardedBytes = 150_000 - outputLimitBytes;
  for (const each of [log, kept]) {
    expect(each).toMatchObject({ truncated: true, outputBytes: outputLimitBytes, discardedBytes, failure: null });
    const { stdout, stderr } = await each.text(1_000_000);
    expect(stdout.length + stderr.length).toBe(outputLimitBytes);
  }
});

it('is not truncated by output of exactly the limit', async () => {
  await using log = await EventLog.create(join(folder, 'exact.log'), { outputLimitBytes: 10 });
  void log.output({ stream: 'stdout', data: Buffer.from('0123456789'), at: 0 });
  await log.end(exited);
  expect(log).toMatchObject({ truncated: false, outputBytes: 10, discardedBytes: 0 });
});

it('keeps the file in proportion to output that comes byte by byte', async () => {
  await using log = await EventLog.create(join(folder, 'bytes.log'), { outputLimitBytes: 2 ** 30 });
  const written = 45_000;
  for (let n = 0; n < written; n++) {
    const before = log.lastSeq;
    void log.output({ stream: 'stdout', data: Buffer.from([n % 80 === 79 ? 10 : 97]), at: n / 1000 });
    // Each byte gets the time to be a write of its own, which would take 37 bytes of the file.
    for (let turns = 0; log.lastSeq === before && turns < 100; turns++) await setImmediate();
  }
  await log.end(exited);
  expect((await stat(log.path)).size).toBeLessThan(4 * written + 1024 * 1024 + 20_000);
  const events = await collect(log);
  expect(events).toHaveLength(Math.ceil(written / 80) + 1);
});

it('bounds what a flood of reports takes, and never drops errors, statuses or the end', async () => {
  await using log = await EventLog.create(join(folder, 'flood.log'), { outputLimitBytes: 100 });
  const reports = 1_000_000;
  for (let n = 0; n < reports; n++) {
    log.append({ type: 'sample', usage: unmeasuredUsage }, n);
    if (n % 5000 === 0) await setImmediate();
  }
  log.append({ type: 'error', message: 'still said' }, reports);
  log.append({ type: 'status', status: 'failed' }, reports);
  await log.end(exited, reports);
  expect((await stat(log.path)).size).toBeLessThan(11 * 1024 * 1024);
  const events = await collect(log);
  expect(events.slice(-3).map(({ type }) => type)).toEqual(['error', 'status', 'end']);
  expect(log.droppedEntries).toBe(reports - (events.length - 3));
  await using kept = await EventLog.read(log.path);
  expect(kept.droppedEntries).toBe(log.droppedEntries);
});
