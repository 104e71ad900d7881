import { randomUUID } from 'node:crypto';
import type { Logger } from '@ergon/sandbox-core';
import type { ErrorRequestHandler, RequestHandler } from 'express';
import { HttpError, problemOf } from './problem.js';
import { runInContext } from './request-context.js';

/** Gives each request its id (a caller's own, if it is a plain one), and logs how it was answered. */
export function requestLog(logger: Logger): RequestHandler {
  return (request, response, next) => {
    const given = request.headers['x-request-id'];
    const requestId = typeof given === 'string' && /^[\w.-]{1,64}$/.test(given) ? given : randomUUID();
    const context = { requestId };
    const begun = performance.now();
    response.set({
      'X-Request-Id': requestId,
      'X-Content-Type-Options': 'nosniff',
      'Cache-Control': 'no-store',
      'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
      'Cross-Origin-Resource-Policy': 'same-origin',
    });
    const { method, path } = request;
    response.once('close', () => {
      runInContext(context, () => {
        const ms = Math.round(performance.now() - begun);
        const aborted = response.writableFinished || response.statusCode === 101 ? {} : { aborted: true };
        logger.info(`${method} ${path}`, { status: response.statusCode, ms, ...aborted });
      });
    });
    runInContext(context, next);
  };
}

export const unknownRoute: RequestHandler = (request) => {
  throw new HttpError(404, 'Not found', `There is nothing at ${request.path}.`);
};

/** Answers with a problem document. */
export function problemAnswer(logger: Logger): ErrorRequestHandler {
  return (error: unknown, request, response, _next) => {
    const problem = problemOf(error);
    // A refusal has its sentence; what nobody foresaw needs its stack.
    if (problem.code === undefined) logger.error(`${request.method} ${request.path} failed`, { error });
    else if (problem.status >= 500) logger.warn(`${request.method} ${request.path}: ${problem.detail}`);
    if (response.headersSent) {
      // A stream that breaks must not look like one that ended.
      response.destroy();
      return;
    }
    if (error instanceof HttpError) response.set(error.headers);
    if (problem.status === 401) response.setHeader('WWW-Authenticate', 'Bearer');
    response.statusCode = problem.status;
    response.setHeader('Content-Type', 'application/problem+json');
    response.end(JSON.stringify(problem));
  };
}
