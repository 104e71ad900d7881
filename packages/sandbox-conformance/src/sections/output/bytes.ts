import type { OutputChunk } from '@ergon/sandbox-core';
import { equal, holds, within } from '../../promises.js';
import type { House, SolutionFiles } from '../../house.js';
import type { Run } from '../../sandbox.js';
import { complete } from './complete.js';
import { part } from '../../suite.js';

const bytes = Buffer.concat(Array<Buffer>(64).fill(Buffer.from(Uint8Array.from({ length: 256 }, (_, index) => index))));

/** What arrives, and in which order. */
export const bytesAndOrder = part([
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
]);

async function run(house: House, script: string, files?: SolutionFiles): Promise<Run> {
  const sandbox = await (files === undefined ? house.shared() : house.sandbox({ files }));
  return sandbox.sh(script);
}

function joined({ chunks }: Run, stream: OutputChunk['stream']): Buffer {
  return Buffer.concat(chunks.filter((chunk) => chunk.stream === stream).map(({ data }) => data));
}
