import { isUtf8 } from 'node:buffer';
import type { RequestHandler } from 'express';
import express from 'express';
import { HttpError } from './problem.js';

/**
 * Reads a JSON body of at most `limit` bytes into `request.body`. Only `application/json`: a page of another site cannot send that
 * without asking first.
 */
export function jsonBody(limit: number): RequestHandler[] {
  const parse = express.json({
    limit,
    inflate: false,
    type: 'application/json',
    verify: (_request, _response, bytes) => {
      if (!isUtf8(bytes)) throw new HttpError(400, 'Bad JSON', 'The body is not UTF-8.');
    },
  });
  return [requireJson, parse];
}

/** For calls without fields of their own: no body, or an empty object. */
export function emptyBody(): RequestHandler[] {
  return [
    ...jsonBody(1024),
    (request, _response, next) => {
      const body: unknown = request.body ?? {};
      if (typeof body !== 'object' || body === null || Array.isArray(body) || Object.keys(body).length > 0) {
        throw new HttpError(422, 'Invalid input', 'The body must be empty: this call has no fields.');
      }
      next();
    },
  ];
}

const requireJson: RequestHandler = (request, _response, next) => {
  const empty =
    request.headers['transfer-encoding'] === undefined && Number(request.headers['content-length'] ?? 0) === 0;
  if (!empty && request.is('application/json') === false) {
    const type = JSON.stringify(request.headers['content-type']?.slice(0, 200) ?? '');
    throw new HttpError(415, 'Content-Type not supported', `Content-Type: must be application/json, not ${type}.`);
  }
  next();
};
