import { equal, holds } from '../promises.js';
import { needsStdin, section } from '../suite.js';
import type { Section } from '../suite.js';

const passed = {
  promise: 'stdin passes every byte as it is, then ends.',
  mend: 'Write each chunk, wait until it is taken, and close the input when the source ends.',
};

export const stdin: Section = section('Standard input', [
  {
    name: 'where none is given it is empty and closed, and can be opened by its name',
    shares: true,
    body: async (house) => {
      const sandbox = await house.shared();
      const { stdout, end } = await sandbox.sh('cat; wc -c < /dev/stdin; read line; echo "read says $?"');
      equal([stdout.trim().replace(/^ +/, ''), end.exitCode], ['0\nread says 1', 0], {
        promise: 'Without stdin asked for, it is empty and closed.',
        mend: 'Give /dev/null, or close your end at once; never leave an open pipe or the stdin of the server.',
      });
    },
  },
  {
    name: 'bytes arrive exactly, and then the end',
    shares: true,
    needs: needsStdin,
    body: async (house) => {
      const sandbox = await house.shared();
      const bytes = Buffer.from(Uint8Array.from({ length: 70_000 }, (_, index) => index & 255));
      const { chunks, end } = await sandbox.sh('cat', {
        stdin: pieces([bytes.subarray(0, 1), bytes.subarray(1, 300), bytes.subarray(300)]),
      });
      holds(Buffer.concat(chunks.map(({ data }) => data)).equals(bytes), passed);
      equal(end.exitCode, 0, passed);
    },
  },
  {
    name: 'an input that is empty ends at once',
    shares: true,
    needs: needsStdin,
    body: async (house) => {
      const sandbox = await house.shared();
      const { stdout } = await sandbox.sh('wc -c', { stdin: pieces([]) });
      equal(stdout.trim(), '0', passed);
    },
  },
  {
    name: '20 MB arrive whole',
    shares: true,
    needs: needsStdin,
    body: async (house) => {
      const sandbox = await house.shared();
      const piece = Buffer.alloc(100_000, 'x');
      const { stdout } = await sandbox.sh('tr -d y | wc -c', { stdin: pieces(Array<Buffer>(200).fill(piece)) });
      equal(stdout.trim(), '20000000', passed);
    },
  },
  {
    name: 'a program that does not read makes the source wait',
    shares: true,
    needs: needsStdin,
    body: async (house) => {
      const sandbox = await house.shared();
      const piece = Buffer.alloc(65_536, 'x');
      const stop = new AbortController();
      let taken = 0;
      const source = async function* (): AsyncGenerator<Uint8Array> {
        for (; taken < 100_000_000; taken += piece.length) yield piece;
      };
      const options = { stdin: source(), signal: stop.signal, killGraceMs: 100 };
      const { ended } = await sandbox.start('echo up; sleep 60', options);
      await new Promise((resolve) => setTimeout(resolve, 700));
      stop.abort();
      await ended;
      holds(
        taken < 32_000_000,
        {
          promise: 'What was not read by the program is not collected without bound.',
          mend: "Ask the source for the next chunk when the one before was taken (write()'s callback, or drain).",
        },
        `${taken} bytes were taken from the source`,
      );
    },
  },
  {
    name: 'a program answers to what it reads, while it runs',
    shares: true,
    needs: needsStdin,
    body: async (house) => {
      const sandbox = await house.shared();
      let answer: (text: string) => void = () => undefined;
      const answers = new Promise<string>((resolve) => (answer = resolve));
      const source = async function* (): AsyncGenerator<Uint8Array> {
        yield Buffer.from('first\n');
        yield Buffer.from(await answers);
      };
      const { stdout } = await sandbox.sh('while read line; do echo "got $line"; done; echo end', {
        stdin: source(),
        onChunk: () => {
          answer('second\n');
        },
      });
      equal(stdout, 'got first\ngot second\nend\n', passed);
    },
  },
  {
    name: 'a program that closes it, or ends without reading, is not held up, and the source is told',
    shares: true,
    needs: needsStdin,
    body: async (house) => {
      const sandbox = await house.shared();
      for (const script of ['exec <&-; echo closed; exit 4', 'exit 4']) {
        let told = false;
        const source = async function* (): AsyncGenerator<Uint8Array> {
          try {
            for (let i = 0; i < 500; i++) yield Buffer.alloc(65_536, 'x');
          } finally {
            told = true;
          }
        };
        const { end } = await sandbox.sh(script, { stdin: source() });
        equal([end.cause, end.exitCode], ['exited', 4], {
          promise: 'Input that is not read does not change an end.',
          mend: 'Take EPIPE as the end of the input, not as a failure of the run.',
        });
        await new Promise((resolve) => setImmediate(resolve));
        equal(told, true, {
          promise: 'A source that is no longer read is told.',
          mend: "Call the iterator's return().",
        });
      }
    },
  },
  {
    name: 'a source that fails ends the input, and a notice says so',
    shares: true,
    needs: needsStdin,
    body: async (house) => {
      const sandbox = await house.shared();
      const source = async function* (): AsyncGenerator<Uint8Array> {
        yield Buffer.from('half\n');
        throw new Error('the source broke off');
      };
      const { stdout, end, reports } = await sandbox.sh('cat; echo end', { stdin: source(), timeoutMs: 5000 });
      equal([stdout, end.cause], ['half\nend\n', 'exited'], {
        promise: 'A program does not wait for input that will never come.',
        mend: 'Close the input when the source throws.',
      });
      const told = reports.some((report) => report.type === 'notice' && report.message.includes('broke off'));
      equal(told, true, {
        promise: 'Input that was cut off is told.',
        mend: 'Report { type: "notice", message } with the error of the source.',
      });
    },
  },
  {
    name: 'a source that never ends does not hold the end of the program',
    shares: true,
    needs: needsStdin,
    body: async (house) => {
      const sandbox = await house.shared();
      const source = async function* (): AsyncGenerator<Uint8Array> {
        yield Buffer.from('line\n');
        await new Promise(() => undefined);
      };
      const { stdout, end, wallMs } = await sandbox.sh('read line; echo "$line"; exit 2', { stdin: source() });
      equal([stdout, end.exitCode, wallMs < 10_000], ['line\n', 2, true], {
        promise: 'A run ends with its program, whatever its source of input does.',
        mend: 'Do not await the source after the program has ended.',
      });
    },
  },
]);

async function* pieces(all: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  for (const piece of all) yield piece;
}
