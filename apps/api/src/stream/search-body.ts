import type { Unit } from '@ergon/sandbox-registry';
import type { Response } from 'express';
import { BodyStream } from './body-stream.js';
import { takeTurn } from './turns.js';

/** Answers with the units that a search found, one by one: together they may be tens of MiB. */
export async function sendSearch(response: Response, units: readonly Unit[], truncated: boolean): Promise<void> {
  const stream = new BodyStream(response, { contentType: 'application/json; charset=utf-8' });
  await stream.write(JSON.stringify({ success: true, count: units.length, truncated }).slice(0, -1));
  await stream.write(',"results":[');
  for (const [index, unit] of units.entries()) {
    if (stream.left.aborted) return;
    await takeTurn();
    await stream.write((index > 0 ? ',' : '') + JSON.stringify(unit));
  }
  await stream.write(']}');
  stream.end();
}
