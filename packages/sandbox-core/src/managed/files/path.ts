import { z } from 'zod';
import { parseInput } from '../../config/parse.js';

/** A path of a sandbox, taken apart. */
export interface SandboxPath {
  readonly root: 'workspace' | 'output';
  /** Below the root; none: the root itself. */
  readonly segments: readonly string[];
}

/** So many bytes of a path the kernel takes (PATH_MAX), with room for where the folders may lie. */
const MAX_PATH_BYTES = 3072;
const MAX_SEGMENT_BYTES = 255; // NAME_MAX

function faultOf(name: string): string | null {
  if (name === '' || name === '.' || name === '..') return 'must not be empty, "." or ".."';
  if (name.includes('\0')) return 'must not contain NUL';
  if (/\p{Surrogate}/u.test(name)) return 'must be well-formed text';
  return Buffer.byteLength(name) <= MAX_SEGMENT_BYTES ? null : `must be at most ${MAX_SEGMENT_BYTES} bytes long`;
}

const pathSchema = z
  .string('must be text')
  .refine((path) => Buffer.byteLength(path) <= MAX_PATH_BYTES, {
    error: `must be at most ${MAX_PATH_BYTES} bytes long`,
    abort: true,
  })
  .refine((path) => /^\/(workspace|output)(\/|$)/.test(path), {
    error: 'must be /workspace, /output or below one of them',
    abort: true,
  })
  .transform((path, context): SandboxPath => {
    const [root, ...segments] = path.split('/').slice(1);
    for (const name of segments) {
      const fault = faultOf(name);
      if (fault === null) continue;
      context.addIssue({ code: 'custom', message: `its segment ${JSON.stringify(name.slice(0, 100))} ${fault}` });
      return z.NEVER;
    }
    return { root: root === 'output' ? root : 'workspace', segments };
  });

/** @throws SandboxError SANDBOX008 */
export function parsePath(path: string, field = 'path'): SandboxPath {
  return parseInput(pathSchema, path, field);
}
