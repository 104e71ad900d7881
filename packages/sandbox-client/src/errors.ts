import type { CommandResult } from './result.js';
import type { components } from './wire/openapi.js';
import { isProblem } from './wire/shapes.js';

/** Of the system's one table of errors, e.g. `SANDBOX007`: a command runs already. */
export type ErrorCode = components['schemas']['ErrorCode'];

export interface SandboxApiErrorOptions {
  readonly status?: number | undefined;
  readonly code?: ErrorCode | undefined;
  readonly field?: string | undefined;
  readonly requestId?: string | undefined;
}

/** The server refused a call, or failed at it. `message` is its sentence. */
export class SandboxApiError extends Error {
  override readonly name = 'SandboxApiError';
  /** Absent: not one of ours, e.g. of a proxy, or the server itself failed. */
  readonly code: ErrorCode | undefined;
  /** Of HTTP; absent where a WebSocket told it. */
  readonly status: number | undefined;
  /** The input field at fault, as it is on the wire, e.g. `memory_limit`. */
  readonly field: string | undefined;
  /** The sentence for people. */
  readonly detail: string;
  /** Under which the server's log says more. */
  readonly requestId: string | undefined;

  constructor(detail: string, { status, code, field, requestId }: SandboxApiErrorOptions = {}) {
    super(code === undefined ? detail : `${detail} (${code})`);
    this.detail = detail;
    this.status = status;
    this.code = code;
    this.field = field;
    this.requestId = requestId;
  }
}

/** The server could not be reached, or the connection broke; `cause` says more. Whether the call had an effect is not known. */
export class SandboxConnectionError extends Error {
  override readonly name = 'SandboxConnectionError';
}

/** A command ended with another exit code than 0, where `check` asked for that. */
export class SandboxCommandError extends Error {
  override readonly name = 'SandboxCommandError';
  readonly result: CommandResult;

  constructor(result: CommandResult) {
    const why = result.errors[0] ?? result.stderr.trim().split('\n').at(-1) ?? '';
    super(`The command ended as ${result.status}, with exit code ${result.exitCode ?? 'none'}${why && `: ${why}`}`);
    this.result = result;
  }
}

/** What an answer with a status of failure says: a problem document (RFC 9457), or whatever a proxy made. */
export function apiErrorOf(response: Response, text: string): SandboxApiError {
  const requestId = response.headers.get('x-request-id') ?? undefined;
  const { status } = response;
  const problem = response.headers.get('content-type')?.includes('problem+json') === true ? parse(text) : null;
  if (problem === null) return new SandboxApiError(`The server answered with ${status}.`, { status, requestId });
  const { detail, code, field } = problem;
  return new SandboxApiError(detail, { status, code, field, requestId });
}

function parse(text: string): components['schemas']['Problem'] | null {
  try {
    const value: unknown = JSON.parse(text);
    return isProblem(value) ? value : null;
  } catch {
    return null; // cut short; its status still says that it failed
  }
}

/** What came is none of the server's, e.g. the page of a proxy. The same would come again. @param what e.g. "The log" */
export function unexpected(what: string): SandboxApiError {
  return new SandboxApiError(
    `${what} is not what a server of Ergon Sandbox sends: look at the address, and at what stands between.`,
  );
}
