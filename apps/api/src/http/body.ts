import { isUtf8 } from 'node:buffer';
import { sentenceOf } from '@ergon/sandbox-core';
import { maxUnitValues } from '@ergon/sandbox-registry';
import type { Request, RequestHandler } from 'express';
import { HttpError } from './problem.js';

/** What is still sent of a body that was refused is read for so long, in ms: a client that writes first and reads then gets its answer. */
const lingerMs = 1000;

/**
 * Reads a JSON body of at most `limit` bytes into `request.body`, which is an empty object where there is none. Only
 * `application/json`: a page of another site cannot send that without asking first.
 */
export function jsonBody(limit: number): RequestHandler {
  return async (request, _response, next) => {
    const { headers } = request;
    const length = Number(headers['content-length'] ?? 0);
    if (headers['transfer-encoding'] !== undefined || length > 0) requireJson(request);
    if (length > limit) throw tooLarge(request, limit);
    const bytes = await read(request, limit);
    request.body = bytes.length === 0 ? {} : parseJsonObject(bytes);
    next();
  };
}

/** For calls without fields of their own: no body, or an empty object. */
export function emptyBody(): RequestHandler[] {
  return [
    jsonBody(1024),
    (request, _response, next) => {
      if (Array.isArray(request.body) || Object.keys(request.body as object).length > 0) {
        throw new HttpError(422, 'Invalid input', 'The body must be empty: this call has no fields.');
      }
      next();
    },
  ];
}

function requireJson(request: Request): void {
  const type = request.headers['content-type'] ?? '';
  if (request.is('application/json') === false) {
    const given = JSON.stringify(type.slice(0, 200));
    throw new HttpError(415, 'Content-Type not supported', `Content-Type: must be application/json, not ${given}.`);
  }
  if (/;\s*charset\s*=(?!\s*"?utf-?8"?\s*(;|$))/i.test(type)) {
    throw new HttpError(415, 'Charset not supported', 'Content-Type: the body must be UTF-8.');
  }
  if (!/^(identity)?$/i.test(request.headers['content-encoding'] ?? '')) {
    throw new HttpError(415, 'Content-Encoding not supported', 'Content-Encoding: the body must not be compressed.');
  }
}

async function read(request: Request, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      length += chunk.length;
      if (length > limit) break;
    }
  } catch (error) {
    throw new HttpError(400, 'Body incomplete', `The body ended before its end: ${sentenceOf(error)}.`);
  }
  if (length > limit) throw tooLarge(request, limit);
  return Buffer.concat(chunks);
}

/** The error; and the connection ends soon, unless the rest of the body does. */
function tooLarge(request: Request, limit: number): HttpError {
  request.resume();
  const linger = setTimeout(() => request.socket.destroy(), lingerMs);
  request.once('close', () => clearTimeout(linger));
  return new HttpError(413, 'Body too large', `The body is larger than ${limit} bytes.`);
}

/** @throws HttpError 400, 422 (too many values), whose sentence is about `what` */
export function parseJsonObject(bytes: Buffer, what = 'body'): object {
  if (!isUtf8(bytes)) throw new HttpError(400, 'Bad JSON', `The ${what} is not UTF-8.`);
  if (hasTooManyValues(bytes)) {
    throw new HttpError(
      422,
      'Invalid input',
      `The ${what} must have at most ${maxUnitValues} values, counted at any depth.`,
    );
  }
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString());
  } catch (error) {
    throw new HttpError(400, 'Bad JSON', `The ${what} is not JSON: ${sentenceOf(error)}.`);
  }
  if (typeof value === 'object' && value !== null) return value;
  throw new HttpError(400, 'Bad JSON', `The ${what} is not JSON of an object.`);
}

/** Before it is parsed, because parsing millions of small values holds the event loop for seconds. */
function hasTooManyValues(bytes: Buffer): boolean {
  let values = 1;
  let opened = false;
  for (let at = 0; at < bytes.length && values <= maxUnitValues; at += 1) {
    const byte = bytes[at];
    if (byte === code.space || byte === code.tab || byte === code.newline || byte === code.return) continue;
    const isEmpty = byte === code.closingBracket || byte === code.closingBrace;
    if (opened && !isEmpty) values += 1;
    opened = byte === code.bracket || byte === code.brace;
    if (byte === code.comma) values += 1;
    else if (byte === code.quote) at = endOfText(bytes, at);
  }
  return values > maxUnitValues;
}

/** Where the text ends that begins at `at`. */
function endOfText(bytes: Buffer, at: number): number {
  let end = at + 1;
  while (end < bytes.length && bytes[end] !== code.quote) end += bytes[end] === code.backslash ? 2 : 1;
  return end;
}

const code = {
  tab: 0x09,
  newline: 0x0a,
  return: 0x0d,
  space: 0x20,
  quote: 0x22,
  comma: 0x2c,
  bracket: 0x5b,
  backslash: 0x5c,
  closingBracket: 0x5d,
  brace: 0x7b,
  closingBrace: 0x7d,
} as const;
