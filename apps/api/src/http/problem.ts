import type { SandboxErrorCode } from '@ergon/sandbox-core';
import { errorCodes, isSandboxError } from '@ergon/sandbox-core';

/** RFC 9457, with our code. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  /** Absent: the server itself failed. */
  readonly code?: SandboxErrorCode;
  /** The input field at fault, as the caller spells it. */
  readonly field?: string;
}

/** An error of HTTP itself, which the core's table does not have. All are faults of the input. */
export class HttpError extends Error {
  readonly status: number;
  readonly title: string;
  readonly code: SandboxErrorCode;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    title: string,
    detail: string,
    options: { code?: SandboxErrorCode; headers?: Readonly<Record<string, string>> } = {},
  ) {
    super(detail);
    this.status = status;
    this.title = title;
    this.code = options.code ?? 'SANDBOX008';
    this.headers = options.headers ?? {};
  }
}

/** What the answer says of anything that was thrown. */
export function problemOf(error: unknown): Problem {
  if (isSandboxError(error)) {
    const { title, status } = errorCodes[error.code];
    const field = error.field ? { field: error.field } : {}; // empty: all of it
    return { type: typeOf(error.code), title, status, detail: error.message, code: error.code, ...field };
  }
  const http = error instanceof HttpError ? error : ofPath(error);
  if (http !== null) {
    return { type: typeOf(http.code), title: http.title, status: http.status, detail: http.message, code: http.code };
  }
  const detail = 'The server failed at this. Its log says more, under the id of this request.';
  return { type: 'about:blank', title: 'Internal Server Error', status: 500, detail };
}

function typeOf(code: SandboxErrorCode): string {
  return `urn:ergon:sandbox:${code}`;
}

/** Express's error for a path that it cannot decode. */
function ofPath(error: unknown): HttpError | null {
  return error instanceof URIError ? new HttpError(400, 'Bad path', 'The path is not percent-encoded UTF-8.') : null;
}
