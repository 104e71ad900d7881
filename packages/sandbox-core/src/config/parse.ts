import type { z } from 'zod';
import { SandboxError } from '../contract/error.js';

/**
 * Parses data at a door.
 * @param path put before the field's name in the sentence, e.g. `content`.
 * @throws SandboxError SANDBOX008 with a sentence that names the field.
 */
export function parseInput<Output>(schema: z.ZodType<Output>, value: unknown, path = ''): Output {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const field = [path, ...(issue?.path ?? []).map(String)].filter((part) => part !== '').join('.');
  throw new SandboxError('SANDBOX008', `${field === '' ? 'The input' : field}: ${issue?.message ?? 'is invalid'}.`, {
    field,
  });
}
