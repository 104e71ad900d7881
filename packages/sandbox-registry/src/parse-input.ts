import { SandboxError } from '@ergon/sandbox-core';
import type { z } from 'zod';

/**
 * Parses what came from outside.
 * @throws SandboxError SANDBOX008 with a sentence that names the first field at fault
 */
export function parseInput<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const parsed = schema.safeParse(value, { reportInput: true });
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  if (issue === undefined) throw new SandboxError('SANDBOX008', 'The input is not valid.');
  const { field, problem } = describe(issue);
  throw new SandboxError('SANDBOX008', field === '' ? `The input ${problem}.` : `"${field}" ${problem}.`, { field });
}

function describe(issue: z.core.$ZodIssue): { field: string; problem: string } {
  if (issue.code === 'unrecognized_keys') {
    return { field: pathOf([...issue.path, issue.keys[0] ?? '']), problem: 'is not a known field' };
  }
  if (issue.code === 'invalid_key') {
    return {
      field: pathOf(issue.path),
      problem: `is not valid: ${wordsOf(issue.issues[0]?.message ?? issue.message)}`,
    };
  }
  const field = pathOf(issue.path);
  if (issue.code === 'invalid_type' && issue.input === undefined) return { field, problem: 'is missing' };
  return { field, problem: `is not valid: ${wordsOf(issue.message)}` };
}

/** zod's words without its heading and a final stop. */
function wordsOf(message: string): string {
  return message.replace(/^Invalid (input|string|option|key in record): /, '').replace(/\.$/, '');
}

/** `files["a b"][0].name`, cut to a length that fits into a sentence. */
function pathOf(path: readonly PropertyKey[]): string {
  const whole = path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`;
    const name = String(part);
    if (!/^[\w-]+$/.test(name)) return `${text}[${JSON.stringify(name)}]`;
    return text === '' ? name : `${text}.${name}`;
  }, '');
  return whole.length > 200 ? `${whole.slice(0, 200)}…` : whole;
}
