import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { SandboxError } from '@ergon/sandbox-core';
import type { SandboxRunner } from '@ergon/sandbox-core';
import type { RequestHandler } from 'express';

/** From its issue to its first use, in ms. */
const firstUseMs = 60_000;
/** For those whose connection broke just before the end, in ms after it. */
const afterEndMs = 60_000;
/** A caller that asks for more than this has got something wrong; the oldest go. */
const maxTickets = 10_000;

interface Ticket {
  readonly sandboxId: string;
  readonly expires: Date;
  used: boolean;
}

/** The calls that a browser makes without headers of its own: EventSource's, and a WebSocket's. */
const ticketed = /^\/api\/ergon\/sandbox\/(?:execute|ws\/([^/]+))$/;

/** Who may call: those with the server's token, and for one sandbox's output those with a ticket. */
export class Access {
  readonly #token: Buffer | null;
  readonly #runner: Pick<SandboxRunner, 'sandbox'>;
  /** By the hash of the ticket, so that how long a look takes tells nothing. */
  readonly #tickets = new Map<string, Ticket>();

  constructor(token: string | null, runner: Pick<SandboxRunner, 'sandbox'>) {
    this.#token = token === null ? null : digest(token);
    this.#runner = runner;
  }

  /** @throws SandboxError SANDBOX006 */
  issue(sandboxId: string): { readonly ticket: string; readonly expires: Date } {
    this.#runner.sandbox(sandboxId);
    for (const [key, ticket] of this.#tickets) {
      if (this.#tickets.size >= maxTickets || !this.#isGood(ticket)) this.#tickets.delete(key);
    }
    const ticket = randomBytes(32).toString('base64url');
    const expires = new Date(Date.now() + firstUseMs);
    this.#tickets.set(digest(ticket).toString('hex'), { sandboxId, expires, used: false });
    return { ticket, expires };
  }

  /** Lets through who may call. */
  readonly check: RequestHandler = (request, _response, next) => {
    if (this.#token === null || this.#hasToken(request.headers.authorization)) {
      next();
      return;
    }
    const { ticket, sandbox_id: asked } = request.query;
    const { authorization } = request.headers;
    if (authorization !== undefined && !/^Bearer\b/i.test(authorization)) {
      throw refusal('the word Bearer is missing before the token: Authorization: Bearer …');
    }
    if (authorization !== undefined) throw refusal('the token is not that of this server');
    if (ticket === undefined) throw refusal('a token is needed: Authorization: Bearer …');
    const [path, inPath] = ticketed.exec(request.path) ?? [];
    if (path === undefined || request.method !== 'GET') {
      throw refusal('a ticket is good for GET /execute and for the WebSocket only');
    }
    this.#use(ticket, inPath === undefined ? asked : decodeURIComponent(inPath));
    next();
  };

  #hasToken(authorization: string | undefined): boolean {
    const [, given] = /^Bearer +([^\s]+) *$/i.exec(authorization ?? '') ?? [];
    return this.#token !== null && given !== undefined && timingSafeEqual(digest(given), this.#token);
  }

  #use(ticket: unknown, sandboxId: unknown): void {
    const known = typeof ticket === 'string' ? this.#tickets.get(digest(ticket).toString('hex')) : undefined;
    if (known === undefined || !this.#isGood(known)) {
      throw refusal('the ticket is not known, or no longer good; ask for a new one: POST /ticket');
    }
    if (known.sandboxId !== sandboxId) throw refusal('the ticket is for another sandbox');
    known.used = true;
  }

  #isGood({ sandboxId, expires, used }: Ticket): boolean {
    if (!used) return expires.getTime() > Date.now();
    try {
      const { restingSince } = this.#runner.sandbox(sandboxId);
      return restingSince === null || restingSince.getTime() + afterEndMs > Date.now();
    } catch {
      return false; // the sandbox is gone
    }
  }
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

function refusal(why: string): SandboxError {
  return new SandboxError('SANDBOX013', `Not authorised: ${why}.`);
}
