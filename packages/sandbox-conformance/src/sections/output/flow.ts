import { createHash } from 'node:crypto';
import type { OutputChunk } from '@ergon/sandbox-core';
import { programs } from '../../programs.js';
import { equal, holds } from '../../promises.js';
import type { Run } from '../../sandbox.js';
import { complete } from './complete.js';
import { part } from '../../suite.js';

const MB = 1_000_000;

/** Much output, and readers that are slower than it. */
export const flow = part([
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
    name: 'what passes the limit of output arrives all the same: the host counts it, and cuts it off',
    body: async (house) => {
      const sandbox = await house.sandbox({ limits: { outputBytes: 100_000 } });
      const { stdout, end } = await sandbox.sh('yes | head -c 300000; echo end');
      equal([stdout.length, stdout.slice(-4), end.cause, end.limitsHit], [300_004, 'end\n', 'exited', []], {
        promise:
          'Providers yield all output, whatever its limit: what is captured, and what it is told to have met, is up to the host.',
        mend: 'Do not count output. Who reads it could not tell that something is missing.',
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
            await new Promise((resolve) => setTimeout(resolve, 2000));
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
        count < 32 * MB,
        {
          promise: 'A reader that waits makes the program wait: what is read ahead is bounded.',
          mend: 'Pause the source (backpressure) while the queue of chunks holds more than a few MB.',
        },
        `${count} bytes were read ahead within two seconds`,
      );
    },
  },
]);

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
