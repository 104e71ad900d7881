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

const segment = z
  .string()
  .refine((name) => name !== '' && name !== '.' && name !== '..', 'must have no empty segment, "." or ".."')
  .refine((name) => !name.includes('\0'), 'must not contain NUL')
  .refine((name) => !/\p{Surrogate}/u.test(name), 'must be well-formed text')
  .refine((name) => Buffer.byteLength(name) <= MAX_SEGMENT_BYTES, `must have segments of at most 255 bytes`);

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
  .transform((path) => path.split('/').slice(1))
  .pipe(z.tuple([z.enum(['workspace', 'output'])], segment))
  .transform(([root, ...segments]): SandboxPath => ({ root, segments }));

/** @throws SandboxError SANDBOX008 */
export function parsePath(path: string, field = 'path'): SandboxPath {
  return parseInput(pathSchema, path, field);
}
