/** Every error code of the system, with its name and the HTTP status that a server gives it. */
export const errorCodes = {
  SANDBOX001: { title: 'Not available', status: 503 },
  SANDBOX002: { title: 'Solution not found', status: 404 },
  SANDBOX003: { title: 'Execution timeout', status: 504 },
  SANDBOX004: { title: 'Resource limit exceeded', status: 507 },
  SANDBOX005: { title: 'Too many sandboxes', status: 429 },
  SANDBOX006: { title: 'Unknown sandbox', status: 404 },
  SANDBOX007: { title: 'Sandbox is busy', status: 409 },
  SANDBOX008: { title: 'Invalid input', status: 422 },
  SANDBOX009: { title: 'Not supported by this provider', status: 422 },
  SANDBOX010: { title: 'Secret not allowed', status: 422 },
  SANDBOX011: { title: 'Environment lost', status: 502 },
  SANDBOX012: { title: 'No such file', status: 404 },
  SANDBOX013: { title: 'Not authorised', status: 401 },
} as const satisfies Record<string, { title: string; status: number }>;

export type SandboxErrorCode = keyof typeof errorCodes;

const brand = Symbol.for('@ergon/sandbox-core/SandboxError');

export interface SandboxErrorOptions {
  cause?: unknown;
  /** The input field at fault, in the caller's spelling, e.g. `memory_limit`. */
  field?: string;
}

/**
 * The one error of the system: a code a program can test and a sentence a person can act on.
 *
 * @example
 * throw new SandboxError('SANDBOX001', 'bubblewrap is not installed. Install it with "apt-get install bubblewrap".');
 */
export class SandboxError extends Error {
  readonly code: SandboxErrorCode;
  readonly field: string | undefined;

  constructor(code: SandboxErrorCode, message: string, options: SandboxErrorOptions = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.name = 'SandboxError';
    this.code = code;
    this.field = options.field;
    Object.defineProperty(this, brand, { value: true });
  }
}

/** True for a SandboxError of any copy of this package (two copies may meet in one process). */
export function isSandboxError(value: unknown): value is SandboxError {
  return typeof value === 'object' && value !== null && brand in value;
}

/** The sentence of whatever was thrown. */
export function sentenceOf(error: unknown): string {
  return hasText(error, 'message') ? error.message : String(error);
}

/** True for a system error of this code, e.g. `ENOENT`; by its shape, since errors of other realms are no `instanceof Error` here. */
export function hasErrorCode(error: unknown, code: string): boolean {
  return hasText(error, 'code') && error.code === code;
}

function hasText<Key extends string>(value: unknown, key: Key): value is Record<Key, string> {
  return typeof value === 'object' && value !== null && typeof (value as Record<string, unknown>)[key] === 'string';
}
