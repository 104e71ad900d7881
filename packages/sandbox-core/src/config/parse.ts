import type { z } from 'zod';
import { SandboxError } from '../contract/error.js';

/** A caller's own names (of variables, files, unknown fields) may be of any length; a sentence may not. */
const maxFieldLength = 200;

/**
 * Parses data at a door.
 * @param path put before the field's name in the sentence, e.g. `content`.
 * @throws SandboxError SANDBOX008 with a sentence that names the field.
 */
export function parseInput<Output>(schema: z.ZodType<Output>, value: unknown, path = ''): Output {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  // A misspelt field is why another one is missing.
  const issue = result.error.issues.find(({ code }) => code === 'unrecognized_keys') ?? result.error.issues[0];
  const unknown = issue?.code === 'unrecognized_keys' ? issue.keys.slice(0, 1) : [];
  const whole = [path, ...(issue?.path ?? []).map(String), ...unknown].filter((part) => part !== '').join('.');
  const field = whole.length > maxFieldLength ? `${whole.slice(0, maxFieldLength)}…` : whole;
  let problem = issue?.message ?? 'is invalid';
  if (unknown.length > 0) problem = 'is not a known field';
  else if (field === '' && issue?.code === 'invalid_type') problem = 'must be an object';
  throw new SandboxError('SANDBOX008', `${field === '' ? 'The input' : field}: ${problem}.`, { field });
}
