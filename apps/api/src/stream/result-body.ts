import { resultToWire } from '@ergon/sandbox-core';
import type { SandboxResult } from '@ergon/sandbox-core';
import type { Response } from 'express';
import { BodyStream } from './body-stream.js';
import { takeTurn } from './turns.js';

const pieceLength = 64 * 1024;

/** Answers with a result, its output piece by piece: as JSON it may be six times as long, and that never exists as a whole. */
export async function sendResult(response: Response, { stdout, stderr, ...result }: SandboxResult): Promise<void> {
  const stream = new BodyStream(response, { contentType: 'application/json; charset=utf-8' });
  await stream.write(JSON.stringify(resultToWire(result)).slice(0, -1));
  for (const [name, text] of Object.entries({ stdout, stderr })) {
    await stream.write(`,"${name}":${text === null ? 'null' : '"'}`);
    if (text === null) continue;
    for (let from = 0; from < text.length && !stream.left.aborted; from += pieceLength) {
      await takeTurn();
      // Half of a surrogate pair is written as an escape, and two of those are the pair again.
      await stream.write(JSON.stringify(text.slice(from, from + pieceLength)).slice(1, -1));
    }
    await stream.write('"');
  }
  await stream.write('}');
  stream.end();
}
