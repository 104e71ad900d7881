import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import type { ExecutionEvent } from '../contract/events.js';
import type { OutputChunk, OutputStream } from '../contract/provider.js';
import { EventLog } from './event-log.js';
import type { ReadOptions } from './read-events.js';

const plenty = { outputLimitBytes: 2 ** 30 };
const exited = { type: 'end', status: 'completed', cause: 'exited', exitCode: 0 } as const;

let folder: string;
let logs = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'event-log-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});
const freshPath = (): string => join(folder, `${++logs}.log`);

async function collect(log: EventLog, options?: ReadOptions): Promise<ExecutionEvent[]> {
  const events: ExecutionEvent[] = [];
  for await (const batch of log.events(options)) for (const event of batch) events.push(event);
  return events;
}

/** What a reader of lines shall see, worked out byte by byte. */
function referenceLines(
  chunks: readonly Pick<OutputChunk, 'stream' | 'data'>[],
): { stream: OutputStream; line: string }[] {
  const lines: { stream: OutputStream; line: string }[] = [];
  const pending: Record<OutputStream, number[]> = { stdout: [], stderr: [] };
  for (const { stream, data } of chunks) {
    for (const byte of data) {
      if (byte === 10) {
        const bytes = pending[stream].splice(0);
        if (bytes.at(-1) === 13) bytes.pop();
        lines.push({ stream, line: Buffer.from(bytes).toString() });
      } else {
        pending[stream].push(byte);
      }
    }
  }
  for (const stream of ['stdout', 'stderr'] as const) {
    if (pending[stream].length > 0) lines.push({ stream, line: Buffer.from(pending[stream]).toString() });
  }
  return lines;
}

const linesOf = (events: readonly ExecutionEvent[]): { stream: OutputStream; line: string }[] =>
  events.flatMap((event) => (event.type === 'line' ? [{ stream: event.stream, line: event.line }] : []));

const bytesOf = (events: readonly ExecutionEvent[], stream: OutputStream): Buffer =>
  Buffer.concat(events.flatMap((event) => (event.type === 'data' && event.stream === stream ? [event.data] : [])));

/** Bytes that matter: ends of lines, parts of characters of each length, what is never UTF-8, NUL and the byte order mark. */
const awkwardByte = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(0x0a, 0x0d) },
  {
    weight: 4,
    arbitrary: fc.constantFrom(
      0x61,
      0x00,
      0xc3,
      0xa9,
      0xe2,
      0x82,
      0xac,
      0xf0,
      0x9f,
      0x98,
      0x80,
      0xff,
      0xef,
      0xbb,
      0xbf,
    ),
  },
);
const arbitraryChunk = fc.record({
  stream: fc.constantFrom<OutputStream>('stdout', 'stderr'),
  // A view into something larger, at any place: words of four bytes are not aligned in it.
  data: fc
    .tuple(fc.array(awkwardByte, { maxLength: 40 }), fc.nat(3))
    .map(([bytes, offset]) =>
      Uint8Array.from([...Array<number>(offset).fill(10), ...bytes, 10]).subarray(offset, offset + bytes.length),
    ),
  /** Whether the file gets time to take it before the next one comes. */
  pause: fc.boolean(),
});

it('shows every reader the same events, split as byte by byte, live, late, from any number, and after a restart', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(arbitraryChunk, { maxLength: 60 }), fc.nat(200), async (chunks, after) => {
      await using log = await EventLog.create(freshPath(), plenty);
      const [live, liveRaw, liveAfter] = [collect(log), collect(log, { raw: true }), collect(log, { after })];
      for (const [at, { pause, ...chunk }] of chunks.entries()) {
        void log.output({ ...chunk, at });
        if (at % 7 === 0) log.append({ type: 'notice', message: `n${at}` }, at);
        if (pause) await setImmediate();
      }
      await log.end(exited, chunks.length);

      const events = await live;
      expect(linesOf(events)).toEqual(referenceLines(chunks));
      expect(events.at(-1)).toEqual({ ...exited, seq: log.lastSeq, at: chunks.length });
      expect(await liveAfter).toEqual(events.filter(({ seq }) => seq > after));
      const raw = await liveRaw;
      for (const stream of ['stdout', 'stderr'] as const) {
        const sent = Buffer.concat(chunks.flatMap((chunk) => (chunk.stream === stream ? [chunk.data] : [])));
        expect(bytesOf(raw, stream).equals(sent)).toBe(true);
      }
      const seqs = [...events, ...raw.filter(({ type }) => type === 'data')]
        .map(({ seq }) => seq)
        .sort((a, b) => a - b);
      expect(seqs).toEqual(seqs.map((_, index) => index + 1));

      await using kept = await EventLog.read(log.path);
      for (const late of [log, kept]) {
        expect(await collect(late)).toEqual(events);
        expect(await collect(late, { raw: true })).toEqual(raw);
        expect(await collect(late, { after })).toEqual(events.filter(({ seq }) => seq > after));
        expect(await collect(late, { after, raw: true })).toEqual(raw.filter(({ seq }) => seq > after));
      }
      expect(kept).toMatchObject({ ended: true, lastSeq: log.lastSeq, outputBytes: log.outputBytes, truncated: false });
    }),
    { numRuns: 150 },
  );
});

it('begins anywhere in a log of many megabytes, within lines of either stream too', async () => {
  await using log = await EventLog.create(freshPath(), plenty);
  for (let n = 0; n < 3000; n++) {
    // stderr is in the middle of a line most of the time.
    await log.output({ stream: 'stdout', data: Buffer.from(`line ${n} ${'x'.repeat(n % 3000)}\n`.repeat(2)), at: n });
    await log.output({ stream: 'stderr', data: Buffer.from(n % 50 === 0 ? '.\n' : '.'), at: n });
    if (n % 10 === 0) await setImmediate();
  }
  await log.end(exited);
  const events = await collect(log);
  expect(events).toHaveLength(3000 * 2 + 60 + 1 + 1);
  await using kept = await EventLog.read(log.path);
  for (let after = 0; after <= log.lastSeq + 1000; after += 457) {
    expect(await collect(kept, { after })).toEqual(events.filter(({ seq }) => seq > after));
  }
});

it('shows fifty readers the same, some of whom leave and return at random numbers', async () => {
  await using log = await EventLog.create(freshPath(), plenty);
  const reconnecting = async (leaveAfterBatches: number): Promise<ExecutionEvent[]> => {
    const events: ExecutionEvent[] = [];
    while (events.at(-1)?.type !== 'end') {
      let batches = 0;
      for await (const batch of log.events({ after: events.at(-1)?.seq ?? 0 })) {
        // Leaves in the middle of what it was given.
        const isLast = ++batches > leaveAfterBatches;
        events.push(...(isLast ? batch.slice(0, Math.ceil(batch.length * Math.random())) : batch));
        if (isLast) break;
      }
    }
    return events;
  };
  const readers = Array.from({ length: 50 }, (_, n) => (n % 2 === 0 ? collect(log) : reconnecting(n)));
  for (let n = 0; n < 20_000; n++) {
    await log.output({ stream: n % 3 === 0 ? 'stderr' : 'stdout', data: Buffer.from(`line ${n}\npart `), at: n });
    if (n % 100 === 0) await setImmediate();
  }
  await log.end(exited);
  const [first = [], ...others] = await Promise.all(readers);
  expect(linesOf(first)).toHaveLength(20_002);
  const text = JSON.stringify(first);
  for (const other of others) expect(JSON.stringify(other) === text).toBe(true);
});

it('gives a live reader a line within a millisecond', async () => {
  await using log = await EventLog.create(freshPath(), plenty);
  const events = log.events();
  const latencies: number[] = [];
  for (let n = 0; n < 200; n++) {
    const next = events.next();
    await setImmediate();
    const before = performance.now();
    void log.output({ stream: 'stdout', data: Buffer.from('hello\n'), at: n });
    const { value } = await next;
    latencies.push(performance.now() - before);
    expect(value).toMatchObject([{ type: 'line', line: 'hello' }]);
  }
  expect(latencies.sort((a, b) => a - b)[100]).toBeLessThan(1);
});

it('ends a waiting reader quietly when its signal aborts, and when the log is closed', async () => {
  const log = await EventLog.create(freshPath(), plenty);
  const controller = new AbortController();
  const aborted = collect(log, { signal: controller.signal });
  const closed = collect(log);
  log.append({ type: 'notice', message: 'one' }, 1);
  await log.events().next();
  controller.abort();
  expect(await aborted).toEqual([{ type: 'notice', message: 'one', seq: 1, at: 1 }]);
  expect(await collect(log, { signal: controller.signal })).toEqual([]);
  await log[Symbol.asyncDispose]();
  expect(await closed).toHaveLength(1);
});

it('keeps bytes apart from a buffer that its caller uses again, and entries of unknown types as they are', async () => {
  await using log = await EventLog.create(freshPath(), plenty);
  const reused = Buffer.from('first\n');
  void log.output({ stream: 'stdout', data: reused, at: 0.5 });
  reused.fill('x');
  log.append({ type: 'network', name: 'db', ports: [5432] }, 0.75);
  log.append({ type: 'notice', message: 'a clock that went back' }, 0.1);
  log.append({ type: 'notice', message: 'no time' }, NaN);
  await log.end(exited, 2);
  log.append({ type: 'notice', message: 'too late' });
  void log.output({ stream: 'stdout', data: reused, at: 3 });
  expect(await collect(log)).toEqual([
    { seq: 2, at: 0.5, type: 'line', stream: 'stdout', line: 'first' },
    { seq: 3, at: 0.75, type: 'network', name: 'db', ports: [5432] },
    { seq: 4, at: 0.75, type: 'notice', message: 'a clock that went back' },
    { seq: 5, at: 0.75, type: 'notice', message: 'no time' },
    { ...exited, seq: 6, at: 2 },
  ]);
  expect(log.droppedEntries).toBe(1);
  await expect(log.end(exited)).rejects.toThrow('has ended');
  await expect(EventLog.create(log.path, plenty)).rejects.toThrow('EEXIST');
});

it('decodes results from the beginning of each stream, without parting a character', async () => {
  await using log = await EventLog.create(freshPath(), plenty);
  void log.output({ stream: 'stdout', data: Buffer.from('\uFEFFaé€😀'), at: 0 });
  void log.output({ stream: 'stderr', data: Buffer.from([0x62, 0xff, 0x0a]), at: 0 });
  void log.output({ stream: 'stdout', data: Buffer.from('\r\nend'), at: 0 });
  await log.end(exited);
  expect(await log.text(100)).toEqual({ stdout: '\uFEFFaé€😀\r\nend', stderr: 'b\uFFFD\n', shortened: false });
  expect(await log.text(12)).toEqual({ stdout: '\uFEFFaé€', stderr: 'b\uFFFD\n', shortened: true });
  expect(await log.text(13)).toMatchObject({ stdout: '\uFEFFaé€😀' });
  expect(await log.text(0)).toEqual({ stdout: '', stderr: '', shortened: true });
  expect((await stat(log.path)).mode & 0o777).toBe(0o600);
});
