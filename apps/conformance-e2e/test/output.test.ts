import type { OutputChunk } from '@ergon/sandbox-core';
import { outputs, wraps } from './support/broken.js';
import { provesThatTheSuiteCatches } from './support/caught.js';

type Chunks = AsyncGenerator<OutputChunk, void, undefined>;

/** Each chunk as it is, or as others. */
function each(alter: (chunk: OutputChunk, index: number) => readonly OutputChunk[]): ReturnType<typeof outputs> {
  return outputs(async function* (chunks): Chunks {
    let index = 0;
    for await (const chunk of chunks) yield* alter(chunk, index++);
  });
}

const text = ({ data }: OutputChunk): string => Buffer.from(data).toString();
const lost = /Nothing of the output is lost, doubled or out of order/;
const bytes = /Output is bytes: nothing is decoded/;

provesThatTheSuiteCatches([
  {
    that: 'merges stderr into stdout',
    create: each((chunk) => [{ ...chunk, stream: 'stdout' }]),
    caughtBy: /a command runs, its output and exit code are told/,
    message: /each stream by itself/,
  },
  {
    that: 'loses what comes last',
    create: outputs(async function* (chunks): Chunks {
      let held: OutputChunk | null = null;
      for await (const chunk of chunks) {
        if (held !== null) yield held;
        held = chunk;
      }
    }),
    caughtBy: /what is written right before the exit arrives/,
    message: lost,
  },
  {
    that: 'loses what was written before a death',
    create: outputs(async function* (chunks): Chunks {
      const all: OutputChunk[] = [];
      for await (const chunk of chunks) all.push(chunk);
      yield* all.filter(({ stream }) => stream === 'stdout');
    }),
    caughtBy: /what was written before it was killed arrives/,
    message: lost,
  },
  {
    that: 'reads one stream after the other',
    create: outputs(async function* (chunks): Chunks {
      const errors: OutputChunk[] = [];
      for await (const chunk of chunks) {
        if (chunk.stream === 'stderr') errors.push(chunk);
        else yield chunk;
      }
      yield* errors.map((chunk) => ({ ...chunk, at: 1e6 }));
    }),
    caughtBy: /chunks of both streams come in the order/,
    message: /Read both streams into one queue/,
  },
  {
    that: 'tells times that decrease',
    create: each((chunk, index) => [{ ...chunk, at: index === 0 ? 100 : chunk.at / 100 }]),
    caughtBy: /chunks of both streams come in the order/,
    message: /never decreases/,
  },
  {
    that: 'tells the time of day',
    create: each((chunk) => [{ ...chunk, at: Date.now() }]),
    caughtBy: /chunks of both streams come in the order/,
    message: /`at` is the time in ms since the start/,
  },
  {
    that: 'yields texts',
    create: each((chunk) => [{ ...chunk, data: text(chunk) as unknown as Uint8Array }]),
    caughtBy: /a command runs, its output and exit code are told/,
    message: /Yield \{ stream, data: Uint8Array, at \}/,
  },
  {
    that: 'yields empty chunks',
    create: each((chunk) => [chunk, { ...chunk, data: new Uint8Array() }]),
    caughtBy: /a command runs, its output and exit code are told/,
    message: /at least one byte/,
  },
  {
    that: 'decodes each chunk by itself',
    create: each((chunk) => [{ ...chunk, data: Buffer.from(text(chunk)) }]),
    caughtBy: /bytes are not changed/,
    message: bytes,
  },
  {
    that: 'decodes the whole as UTF-8',
    create: outputs(async function* (chunks): Chunks {
      const decoder = { stdout: new TextDecoder(), stderr: new TextDecoder() };
      for await (const chunk of chunks) {
        const data = Buffer.from(decoder[chunk.stream].decode(chunk.data, { stream: true }));
        if (data.length > 0) yield { ...chunk, data };
      }
    }),
    caughtBy: /bytes are not changed/,
    message: bytes,
  },
  {
    that: 'has a terminal where none was asked for',
    create: each((chunk) => [
      { ...chunk, data: Buffer.from(Buffer.from(chunk.data).toString('latin1').replaceAll('\n', '\r\n'), 'latin1') },
    ]),
    caughtBy: /bytes are not changed/,
    message: /allocate no pseudo-terminal unless asked for one/,
  },
  {
    that: 'waits for the end of a line',
    create: outputs(async function* (chunks): Chunks {
      let line = Buffer.alloc(0);
      let last: OutputChunk | null = null;
      for await (const chunk of chunks) {
        last = chunk;
        line = Buffer.concat([line, chunk.data]);
        if (!line.includes(10)) continue;
        yield { ...chunk, data: line };
        line = Buffer.alloc(0);
      }
      if (last !== null && line.length > 0) yield { ...last, data: line };
    }),
    caughtBy: /output arrives while the program runs/,
    message: /Bytes are yielded when they are read, not at a newline/,
  },
  {
    that: 'says nothing of what it cuts off',
    create: outputs(async function* (chunks): Chunks {
      let left = 10_000_000;
      for await (const chunk of chunks) if ((left -= chunk.data.length) > 0) yield chunk;
    }),
    caughtBy: /both streams at full rate arrive/,
    message: lost,
  },
  {
    that: 'prints a banner',
    create: wraps('echo "Starting…"; exec "$@"'),
    caughtBy: /no output is no output/,
    message: /Keep prompts, banners and your own messages out of the output/,
  },
]);
