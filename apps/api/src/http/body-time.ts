import type { IncomingMessage } from 'node:http';
import type { RequestHandler } from 'express';
import { HttpError } from './problem.js';

interface TimeLimit {
  readonly ms: number;
  /** Called when the time is over and the request is not here as a whole. */
  readonly late: () => void;
  timer: NodeJS.Timeout;
}

const limits = new WeakMap<IncomingMessage, TimeLimit>();

/** From here on a request's body has so long to come. */
export function limitBodyTime(request: IncomingMessage, ms: number, late: () => void): void {
  const isLate = (): void => {
    if (!request.complete) late();
  };
  const limit = { ms, late: isLate, timer: afterAWhile(isLate, ms) };
  limits.set(request, limit);
  request.once('close', () => clearTimeout(limit.timer));
}

/** For bodies of any length: until the answer is given only silence counts, and only while somebody waits for {@link chunksOf} the body. */
export const limitSilenceOnly: RequestHandler = (request, response, next) => {
  const limit = limits.get(request);
  if (limit !== undefined) {
    clearTimeout(limit.timer);
    response.once('close', () => {
      if (!request.closed) limit.timer = afterAWhile(limit.late, limit.ms); // the rest, which nobody reads
    });
  }
  next();
};

/** How long the other end may do nothing while a body comes, or goes, in ms. Undefined: for ever. */
export function silenceLimitOf(request: IncomingMessage): number | undefined {
  return limits.get(request)?.ms;
}

/** A body as it comes. @throws HttpError 408 after so long without a byte as a whole request may take */
export async function* chunksOf(request: IncomingMessage): AsyncGenerator<Buffer, void, undefined> {
  const chunks = (request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>)[Symbol.asyncIterator]();
  const limit = limits.get(request);
  for (;;) {
    const coming = chunks.next();
    const next = await (limit === undefined ? coming : unlessSilent(coming, limit.ms));
    if (next.done === true) return;
    yield next.value;
  }
}

async function unlessSilent<T>(coming: Promise<T>, ms: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<never>((_resolve, reject) => {
    timer = afterAWhile(() => {
      const detail = `No byte of the body came for ${ms / 1000} s, so the upload was given up.`;
      reject(new HttpError(408, 'Request Timeout', detail, { headers: { Connection: 'close' } }));
    }, ms);
  });
  try {
    return await Promise.race([coming, silence]);
  } finally {
    clearTimeout(timer);
  }
}

/** Does not keep a server that has ended: Node says nothing more of a request once its answer is given and its connection gone. */
function afterAWhile(work: () => void, ms: number): NodeJS.Timeout {
  return setTimeout(work, ms).unref();
}
