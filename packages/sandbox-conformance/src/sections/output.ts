import { createHash } from 'node:crypto';
import type { OutputChunk } from '@ergon/sandbox-core';
import { programs } from '../programs.js';
import { equal, holds, within } from '../promises.js';
import type { House, SolutionFiles } from '../house.js';
import type { Run, RunOptions } from '../sandbox.js';
import { section } from '../suite.js';
import type { Section } from '../suite.js';

const MB = 1_000_000;
const bytes = Buffer.concat(Array<Buffer>(64).fill(Buffer.from(Uint8Array.from({ length: 256 }, (_, index) => index))));

export const output: Section = section('Output', [
  {
    name: 'chunks of both streams come in the order in which they were written, where the program waits in between',
    shares: true,
    body: async (house) => {
      const { chunks } = await run(house, 'for i in 1 2 3; do echo out$i; sleep 0.4; echo err$i >&2; sleep 0.4; done');
      const order = chunks.map(({ stream, data }) => `${stream} ${Buffer.from(data).toString().trim()}`);
      equal(
        order,
        [1, 2, 3].flatMap((i) => [`stdout out${i}`, `stderr err${i}`]),
        {
          promise: 'Chunks come as they were read, both streams in one order.',
          mend: 'Read both streams into one queue; do not read one after the other.',
        },
      );
      const last = chunks.at(-1)?.at ?? 0;
      holds(
        last >= 1900 && last < 20_000,
        {
          promise: '`at` is the time in ms since the start.',
          mend: 'Take the clock when a chunk is read, and subtract the start of this execution.',
        },
        last,
      );
    },
  },
  {
    name: 'output arrives while the program runs, also without a newline',
    shares: true,
    body: async (house) => {
      const sandbox = await house.shared();
      const { ended } = await within(
        5000,
        'The first output of a program that goes on',
        sandbox.start('printf "name: "; sleep 1; printf done'),
      );
      const state = await Promise.race([
        ended.then(() => 'ended'),
        new Promise((resolve) => setTimeout(resolve, 100, 'running')),
      ]);
      const { stdout } = await ended;
      equal([state, stdout], ['running', 'name: done'], {
        promise: 'Bytes are yielded when they are read, not at a newline or at the end.',
        mend: 'Yield each chunk at once; lines are the business of the core.',
      });
    },
  },
  {
    name: '100 MB arrive to the last byte',
    shares: true,
    timeoutMs: 120_000,
    body: async (house) => {
      const sandbox = await house.shared();
      const seen = await digest((onChunk) =>
        sandbox.sh('yes 0123456789abcdef | head -c 100000000', {
          keep: false,
          onChunk,
          hangsAfterMs: 100_000,
          timeoutMs: 90_000,
        }),
      );
      equal(seen.stdout, repeated('0123456789abcdef\n', 100 * MB), complete);
    },
  },
  {
    name: 'both streams at full rate arrive to the last byte',
    shares: true,
    timeoutMs: 120_000,
    body: async (house) => {
      const sandbox = await house.shared();
      const seen = await digest((onChunk) =>
        sandbox.sh('(yes out | head -c 20000000) & (yes error | head -c 20000000) >&2; wait', { keep: false, onChunk }),
      );
      equal(seen, { stdout: repeated('out\n', 20 * MB), stderr: repeated('error\n', 20 * MB) }, complete);
    },
  },
  {
    name: 'twenty thousand writes of one byte arrive in order',
    body: async (house) => {
      const text = Array.from({ length: 4000 }, (_, index) => String(index).padStart(5, '0')).join('');
      const seen = await run(house, 'dd if=numbers bs=1 2>/dev/null', { numbers: text });
      equal(seen.stdout === text, true, complete);
    },
  },
  {
    name: 'bytes are not changed: all 256 of them, and UTF-8 that is invalid or split anywhere',
    body: async (house) => {
      const invalid = Buffer.from([0xc3, 0x28, 0xff, 0xfe, 0xf0, 0x9f, 0x9a, 0x0a, 0xe2, 0x82]);
      const files = { bytes, invalid, unicode: 'zażółć gęślą jaźń 日本語 🚀\n'.repeat(50) };
      const seen = await run(house, 'cat bytes invalid; dd if=unicode bs=1 2>/dev/null; cat bytes invalid >&2', files);
      const expected = Buffer.concat([bytes, invalid, Buffer.from(files.unicode)]);
      const promised = {
        promise: 'Output is bytes: nothing is decoded, no newline is added or changed.',
        mend: 'Never turn chunks into strings on their way; allocate no pseudo-terminal unless asked for one.',
      };
      holds(
        joined(seen, 'stdout').equals(expected),
        promised,
        `${joined(seen, 'stdout').length} of ${expected.length} bytes`,
      );
      holds(joined(seen, 'stderr').equals(Buffer.concat([bytes, invalid])), promised);
    },
  },
  {
    name: 'a program that closes its output goes on to its own end',
    shares: true,
    body: async (house) => {
      const sandbox = await house.shared();
      const run = await sandbox.sh('echo first; exec >&- 2>&-; sleep 0.5; echo late > late; exit 3');
      const late = await sandbox.sh('cat late');
      equal([run.stdout, run.end.cause, run.end.exitCode, late.stdout], ['first\n', 'exited', 3, 'late\n'], {
        promise: 'Closed streams are not the end of a program.',
        mend: 'Wait for the exit of the process, not only for the end of its streams.',
      });
    },
  },
  {
    name: 'what is written right before the exit arrives, every time',
    shares: true,
    body: async (house) => {
      const sandbox = await house.shared();
      for (let i = 0; i < 15; i++) {
        const run = await sandbox.sh('head -c 200000 /dev/zero; echo last words >&2; exit 1');
        equal([run.stdout.length, run.stderr], [200_000, 'last words\n'], complete);
      }
    },
  },
  {
    name: 'what was written before it was killed arrives',
    shares: true,
    body: async (house) => {
      const sandbox = await house.shared();
      for (let i = 0; i < 5; i++) {
        const run = await sandbox.sh('head -c 60000 /dev/zero; echo last words >&2; kill -KILL $$');
        equal([run.stdout.length, run.stderr], [60_000, 'last words\n'], complete);
      }
    },
  },
  {
    name: 'what a background child wrote before the main process ended arrives, though it holds the pipes',
    shares: true,
    body: async (house) => {
      const { stdout, stderr, wallMs } = await run(
        house,
        '(echo early; head -c 50000 /dev/zero >&2; sleep 1000; echo never) & sleep 0.4; echo main',
      );
      equal([stdout, stderr.length], ['early\nmain\n', 50_000], complete);
      holds(
        wallMs < 10_000,
        {
          promise: 'A child that holds the pipes does not hold the end.',
          mend: 'Kill the tree when the main process has ended, then read the pipes to their ends.',
        },
        `${wallMs} ms`,
      );
    },
  },
  {
    name: 'no output is no output',
    shares: true,
    body: async (house) => {
      const seen = await run(house, ':');
      equal([seen.chunks.length, seen.end.exitCode], [0, 0], {
        promise: 'A program that prints nothing yields no chunk.',
        mend: 'Keep prompts, banners and your own messages out of the output.',
      });
    },
  },
  {
    name: 'a slow reader slows the program, and loses nothing',
    shares: true,
    body: async (house) => {
      const sandbox = await house.shared();
      let pauses = 0;
      const seen = await digest((onChunk) =>
        sandbox.sh('yes slow | head -c 8000000', {
          keep: false,
          onChunk: async (chunk) => {
            onChunk(chunk);
            if (++pauses <= 100) await new Promise((resolve) => setTimeout(resolve, 5));
          },
        }),
      );
      equal(seen.stdout, repeated('slow\n', 8 * MB), complete);
    },
  },
  {
    name: 'a reader that waits does not hold up the deadline',
    shares: true,
    body: async (house) => {
      const sandbox = await house.shared();
      let waited = false;
      const seen = await sandbox.sh(`echo up; ${programs.beat}`, {
        timeoutMs: 500,
        killGraceMs: 100,
        onChunk: async () => {
          if (waited) return;
          waited = true;
          await new Promise((resolve) => setTimeout(resolve, 3000));
        },
      });
      const { stdout } = await sandbox.sh('wc -l < "$OUTPUT_DIR/beat"; rm "$OUTPUT_DIR/beat"');
      const beats = Number(stdout);
      holds(
        seen.end.cause === 'timeout' && beats > 0 && beats < 30,
        {
          promise: 'A program is ended at its deadline, whether its output is read or not.',
          mend: 'Let a timer of its own end the run, not a step between two chunks.',
        },
        { cause: seen.end.cause, beats: `${beats}, one each 50 ms` },
      );
    },
  },
  {
    name: 'what nobody reads is not collected without bound: the program waits',
    shares: true,
    body: async (house) => {
      const sandbox = await house.shared();
      const stop = new AbortController();
      let count = 0;
      const run = await sandbox.sh('yes', {
        keep: false,
        signal: stop.signal,
        killGraceMs: 100,
        onChunk: async ({ data }) => {
          if (count === 0) {
            await new Promise((resolve) => setTimeout(resolve, 1000));
            stop.abort();
          }
          count += data.length;
        },
      });
      equal(run.end.cause, 'stopped', {
        promise: 'It can be stopped meanwhile.',
        mend: 'Let a stop not wait for the reader.',
      });
      holds(
        count < 64 * MB,
        {
          promise: 'A reader that waits makes the program wait: what is read ahead is bounded.',
          mend: 'Pause the source (backpressure) while the queue of chunks holds more than a few MB.',
        },
        `${count} bytes were read ahead within a second`,
      );
    },
  },
]);

const complete = {
  promise: 'Nothing of the output is lost, doubled or out of order.',
  mend: 'Read each stream to its end before the iterable finishes, and keep the order of what was read.',
};

async function run(house: House, script: string, files?: SolutionFiles, options: RunOptions = {}): Promise<Run> {
  const sandbox = await (files === undefined ? house.shared() : house.sandbox({ files }));
  return sandbox.sh(script, options);
}

function joined({ chunks }: Run, stream: OutputChunk['stream']): Buffer {
  return Buffer.concat(chunks.filter((chunk) => chunk.stream === stream).map(({ data }) => data));
}

interface Digest {
  readonly bytes: number;
  readonly sha256: string;
}

/** What came on each stream, without keeping it. */
async function digest(
  read: (onChunk: (chunk: OutputChunk) => void) => Promise<Run>,
): Promise<{ readonly stdout: Digest; readonly stderr: Digest }> {
  const hashes = { stdout: createHash('sha256'), stderr: createHash('sha256') };
  const counts = { stdout: 0, stderr: 0 };
  await read(({ stream, data }) => {
    hashes[stream].update(data);
    counts[stream] += data.length;
  });
  const of = (stream: OutputChunk['stream']): Digest => ({
    bytes: counts[stream],
    sha256: hashes[stream].digest('hex'),
  });
  return { stdout: of('stdout'), stderr: of('stderr') };
}

/** The digest of a text repeated, cut at a length. */
function repeated(text: string, length: number): Digest {
  const hash = createHash('sha256');
  const block = Buffer.from(text.repeat(Math.ceil(MB / text.length)));
  let left = length;
  for (; left >= block.length; left -= block.length) hash.update(block);
  hash.update(block.subarray(0, left));
  return { bytes: length, sha256: hash.digest('hex') };
}
