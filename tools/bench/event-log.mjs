// Measures the execution event log: 100 MB of 64-byte lines in 64 KiB chunks, beside the least that any log must do. Build first.
// Usage: node tools/bench/event-log.mjs [folder for the files] [rounds]
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { EventLog } from '@ergon/sandbox-core';

const [parent = tmpdir(), rounds = '7'] = process.argv.slice(2);
const chunk = Buffer.alloc(65_536, `${'x'.repeat(63)}\n`);
const chunks = Math.ceil(100e6 / chunk.length);
const lines = chunks * (chunk.length / 64);
const end = { type: 'end', status: 'completed', cause: 'exited', exitCode: 0 };
const folder = await mkdtemp(join(parent, 'bench-event-log-'));
let files = 0;

const freshPath = () => join(folder, `${++files}`);
const create = () => EventLog.create(freshPath(), { outputLimitBytes: 2 ** 30 });

async function fill(log) {
  for (let n = 0; n < chunks; n++) {
    await log.output({ stream: 'stdout', data: chunk, at: n });
    if (n % 2 === 1) await setImmediate(); // as from a pipe: two chunks in a turn of the loop
  }
}

async function count(log, options) {
  let found = 0;
  for await (const batch of log.events(options)) {
    for (const event of batch) if (event.type === 'line') found++;
  }
  if (found !== (options?.raw ? 0 : lines)) throw new Error(`${found} lines instead of ${lines}`);
}

/** Until the file, and every reader, has all of it. What fdatasync takes is the disk's affair and not in the figure. */
async function writeAndRead(...readers) {
  const log = await create();
  const started = performance.now();
  const reading = readers.map((options) => count(log, options));
  await fill(log);
  const ending = log.end(end);
  if (reading.length > 0) await Promise.all(reading);
  while (!log.ended) await setImmediate();
  const ms = performance.now() - started;
  await ending;
  await log[Symbol.asyncDispose]();
  return ms;
}

const timed = async (work) => {
  const started = performance.now();
  await work();
  return performance.now() - started;
};

const measurements = {
  'baseline: lines of each chunk as events, no file': () =>
    timed(async () => {
      let found = 0;
      for (let n = 0; n < chunks; n++) {
        const events = [];
        for (const line of chunk.toString().split('\n'))
          events.push({ seq: n, at: n, type: 'line', stream: 'stdout', line });
        for (const event of events) if (event.type === 'line') found++;
        if (n % 2 === 1) await setImmediate();
      }
      if (found !== lines + chunks) throw new Error(`${found} lines`);
    }),
  'baseline: each chunk into a file, no events': () =>
    timed(async () => {
      const file = await open(freshPath(), 'wx');
      for (let n = 0; n < chunks; n++) await file.write(chunk);
      await file.close();
    }),
  'log, no reader': () => writeAndRead(),
  'log, one reader of lines': () => writeAndRead({}),
  'log, one reader of raw data': () => writeAndRead({ raw: true }),
  'log, ten readers of lines': () => writeAndRead(...Array(10).fill({})),
  'kept log: open, and read all lines': async () => {
    const log = await create();
    await fill(log);
    await log.end(end);
    await log[Symbol.asyncDispose]();
    return timed(async () => {
      const kept = await EventLog.read(log.path);
      await count(kept);
      await kept[Symbol.asyncDispose]();
    });
  },
};

/** From output() of a line, after a quiet moment, to its reader. */
async function latencies() {
  const log = await create();
  const events = log.events();
  const found = [];
  for (let n = 0; n < 2000; n++) {
    const next = events.next();
    await setImmediate();
    const started = performance.now();
    log.output({ stream: 'stdout', data: chunk.subarray(0, 64), at: n });
    await next;
    found.push(performance.now() - started);
  }
  await log.end(end);
  await log[Symbol.asyncDispose]();
  return found.sort((a, b) => a - b);
}

try {
  const figures = Object.fromEntries(Object.keys(measurements).map((name) => [name, []]));
  // One after the other in each round, so that a busy moment of the machine meets all of them.
  for (let round = 0; round < Number(rounds); round++) {
    for (const [name, measure] of Object.entries(measurements)) {
      figures[name].push(await measure());
      await rm(join(folder, String(files)), { force: true });
    }
  }
  console.log(`Node ${process.version}, files in ${parent}, ${rounds} rounds; MB/s, median (best)`);
  for (const [name, all] of Object.entries(figures)) {
    const [best, median] = [Math.min(...all), all.sort((a, b) => a - b)[all.length >> 1]];
    const speed = (ms) => Math.round((chunks * chunk.length) / 1e3 / ms);
    console.log(`${String(speed(median)).padStart(6)} (${speed(best)})  ${name}`);
  }
  const sorted = await latencies();
  const [median, p99] = [0.5, 0.99].map((part) => sorted[Math.floor(sorted.length * part)].toFixed(3));
  console.log(`A line from output() to a waiting reader: median ${median} ms, 99 of 100 within ${p99} ms`);
} finally {
  await rm(folder, { recursive: true });
}
