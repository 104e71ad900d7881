import { isIP } from 'node:net';
import type { Request, RequestHandler, Response } from 'express';
import type { ServerConfig } from '../config/config.js';
import { HttpError } from './problem.js';

const preflightSeconds = 600;

/**
 * Lets through what comes from programs, from the server's own pages and from the configured origins. A page that reaches the
 * loopback under a name of its own (DNS rebinding) is known by its Host, a page of another site by its Origin, and what a browser
 * sends without an Origin (images, links, forms of old ones) by Sec-Fetch-Site. "null" is the origin of sandboxed frames and files.
 */
export function guard({ hosts, origins, token }: Pick<ServerConfig, 'hosts' | 'origins' | 'token'>): RequestHandler {
  return (request, response, next) => {
    if ((request.headersDistinct.host?.length ?? 0) > 1)
      throw new HttpError(400, 'Bad Host', 'Host: must be given once.');
    const expected = request.headers.expect;
    if (expected !== undefined && expected.toLowerCase() !== '100-continue') {
      throw new HttpError(417, 'Expectation failed', 'Expect: must be 100-continue or absent.');
    }
    const host = request.headers.host ?? '';
    if (!isOurHost(host, hosts, token !== null)) {
      throw new HttpError(
        421,
        'Host not served',
        `Host: ${JSON.stringify(host.slice(0, 200))} is not a name of this server; ERGON_SANDBOX_HOSTS can add it.`,
      );
    }
    const { origin } = request.headers;
    response.vary('Origin');
    if (origin !== undefined && origins.has(origin)) {
      allowOrigin(response, origin);
      if (request.method === 'OPTIONS') {
        answerPreflight(request, response);
        return;
      }
    } else if (origin !== undefined ? !isSameOrigin(origin, host) : isForeignFetch(request)) {
      throw new HttpError(
        403,
        'Origin not allowed',
        `Origin: ${JSON.stringify((origin ?? 'another site').slice(0, 200))} may not call this server; ERGON_SANDBOX_ORIGINS can allow it.`,
      );
    }
    next();
  };
}

/** An address is no name that a page could point elsewhere; with a token, the server may listen on any of them. */
function isOurHost(host: string, hosts: ReadonlySet<string>, anyAddress: boolean): boolean {
  const name = /^(\[[0-9a-f:.]+\]|[a-z0-9_.-]+)(:\d{1,5})?$/i.exec(host)?.[1]?.toLowerCase();
  if (name === undefined) return false;
  if (anyAddress && isIP(name.replace(/^\[(.*)\]$/, '$1')) > 0) return true;
  return name === 'localhost' || name === '[::1]' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(name) || hosts.has(name);
}

/** The scheme may differ: what ends TLS before this server leaves Host as it was. */
function isSameOrigin(origin: string, host: string): boolean {
  return URL.canParse(origin) && new URL(origin).host === host.toLowerCase();
}

function isForeignFetch(request: Request): boolean {
  const site = request.headers['sec-fetch-site'];
  return site !== undefined && site !== 'same-origin' && site !== 'none';
}

function allowOrigin(response: Response, origin: string): void {
  response.set({
    'Access-Control-Allow-Origin': origin,
    'Access-Control-Expose-Headers': 'Accept-Ranges, Content-Range, X-Request-Id',
  });
}

function answerPreflight(request: Request, response: Response): void {
  if (request.headers['access-control-request-method'] !== undefined) {
    response.set({
      'Access-Control-Allow-Methods': 'GET, POST, PUT, PATCH, DELETE',
      'Access-Control-Allow-Headers': 'Authorization, Content-Type, Last-Event-ID, Range, X-Request-Id',
      'Access-Control-Max-Age': String(preflightSeconds),
    });
  }
  response.status(204).end();
}
