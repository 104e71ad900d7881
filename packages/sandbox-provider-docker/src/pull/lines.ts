import { StringDecoder } from 'node:string_decoder';

/** An engine repeats what a registry says, which may be anything. */
const MAX_LINE = 1 << 20;

/** The lines of a stream, without empty ones. @throws what the stream does; Error for a line without end */
export async function* jsonLines(stream: AsyncIterable<unknown>): AsyncGenerator<string, void, undefined> {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  for await (const part of stream) {
    const lines = (rest + decoder.write(part as Buffer)).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > MAX_LINE) throw new Error('The Docker engine sent a line without end.');
    for (const line of lines) if (line.trim() !== '') yield line;
  }
  if (rest.trim() !== '') yield rest;
}
