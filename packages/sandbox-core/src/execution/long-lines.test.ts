import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import type { LineEvent } from '../contract/events.js';
import { EventLog } from './event-log.js';

const MiB = 1024 * 1024;
const exited = { type: 'end', status: 'completed', cause: 'exited', exitCode: 0 } as const;

let folder: string;
let logs = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'long-lines-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

/** Writes the bytes in chunks of the given sizes, in turn, with now and then a byte of stderr between, and reads stdout's lines. */
async function linesFrom(bytes: Buffer, sizes: readonly number[]): Promise<LineEvent[]> {
  await using log = await EventLog.create(join(folder, `${++logs}.log`), { outputLimitBytes: 2 ** 30 });
  const lines: LineEvent[] = [];
  const reading = (async () => {
    for await (const batch of log.events()) {
      for (const event of batch) if (event.type === 'line' && event.stream === 'stdout') lines.push(event);
    }
  })();
  for (let from = 0, n = 0; from < bytes.length; n++) {
    const size = sizes[n % sizes.length] ?? 1;
    await log.output({ stream: 'stdout', data: bytes.subarray(from, from + size), at: n });
    if (n % 16 === 0) await log.output({ stream: 'stderr', data: Buffer.from('-'), at: n });
    from += size;
  }
  await log.end(exited);
  await reading;
  return lines;
}

it('cuts a long line at the same places however it came, and never within a character', async () => {
  const size = fc.integer({ min: 1, max: 300_000 }).filter((bytes) => bytes > 500 || bytes < 5);
  await fc.assert(
    fc.asyncProperty(
      fc.array(size, { minLength: 2, maxLength: 6 }).filter((sizes) => sizes.some((bytes) => bytes > 5000)),
      fc.nat(6),
      async (sizes, shift) => {
        const line = 'a'.repeat(shift) + '😀é€'.repeat(300_000);
        const bytes = Buffer.from(`short\n${line}\nafter\r\n${'\r'.repeat(MiB + shift)}`);
        const [short, ...others] = await linesFrom(bytes, sizes);
        expect(short?.line).toBe('short');
        const after = others.findIndex((event) => event.line === 'after');
        const pieces = others.slice(0, after);
        expect(pieces.map(({ partial }) => partial)).toEqual([true, true, undefined]);
        expect(pieces.map((piece) => piece.line).join('') === line).toBe(true);
        for (const { line: text, partial } of pieces) {
          expect(Buffer.byteLength(text)).toBeLessThanOrEqual(MiB);
          if (partial) expect(Buffer.byteLength(text)).toBeGreaterThan(MiB - 4);
        }
        const rest = others.slice(after + 1);
        expect(rest.map((piece) => piece.line).join('') === '\r'.repeat(MiB + shift)).toBe(true);
        expect(rest.map(({ partial }) => partial)).toEqual(shift === 0 ? [undefined] : [true, undefined]);
      },
    ),
    { numRuns: 12 },
  );
});

it('keeps a line of exactly 1 MiB whole', async () => {
  const lines = await linesFrom(Buffer.from(`${'x'.repeat(MiB)}\n${'y'.repeat(MiB + 1)}\n`), [65_536]);
  expect(lines.map(({ line, partial }) => [line[0], line.length, partial])).toEqual([
    ['x', MiB, undefined],
    ['y', MiB, true],
    ['y', 1, undefined],
  ]);
});

it('brings a line of 200 MB through, in pieces', async () => {
  const chunk = Buffer.alloc(65_536, 'z');
  await using log = await EventLog.create(join(folder, 'huge.log'), { outputLimitBytes: 2 ** 30 });
  const lengths: number[] = [];
  const reading = (async () => {
    for await (const batch of log.events()) {
      for (const event of batch) if (event.type === 'line') lengths.push(event.line.length);
    }
  })();
  for (let n = 0; n < 3052; n++) await log.output({ stream: 'stdout', data: chunk, at: n });
  await log.end(exited);
  await reading;
  expect(lengths).toEqual([...Array<number>(190).fill(MiB), 3052 * 65_536 - 190 * MiB]);
});
