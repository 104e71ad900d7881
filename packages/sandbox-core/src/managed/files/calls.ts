import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { parseInput } from '../../config/parse.js';
import { SandboxError } from '../../contract/error.js';
import type { FileEntry, SandboxFiles } from '../../contract/files.js';
import { runHelper, type FilesHost, type HelperPlan } from './helper.js';
import { readRecords } from './listing.js';
import { parsePath, type SandboxPath } from './path.js';
import { PACK, readLeftOut, sealed, UNPACK } from './archives.js';
import { LIST, MAKE_FOLDER, READ, REMOVE, RENAME, STAT, WRITE } from './scripts.js';

const count = z.int('must be a whole number').min(0, 'must not be negative');
const limitSchema = z.object({ limit: count.min(1, 'must be at least 1').max(1_000_000, 'must be at most 1,000,000') });
const boundsSchema = z.object({ maxFileBytes: count, maxEntries: count.optional() });
const rangeSchema = z.object({ offset: count, length: count.optional() });
const modeSchema = z.object({ mode: count.max(0o777, 'must be permission bits, at most 0o777') });

/** The files of one sandbox, by scripts that run in it. */
export function sandboxFiles(host: FilesHost): Required<SandboxFiles> {
  const files: Required<SandboxFiles> = {
    async list(path, { signal, limit: asked = 10_000 } = {}) {
      const { limit } = parseInput(limitSchema, { limit: asked });
      const plan = planOf(LIST, path, [], { signal });
      const entries: FileEntry[] = [];
      for await (const entry of readRecords(runHelper(host, plan), plan.nonce)) {
        entries.push(entry);
        if (entries.length > limit) break; // which ends the script
      }
      const truncated = entries.length > limit;
      if (truncated) entries.pop();
      return { entries: entries.sort((a, b) => (a.name < b.name ? -1 : 1)), truncated };
    },

    async stat(path, { signal } = {}) {
      const { segments, root } = parsePath(path);
      const plan = planOf(STAT, path, [], { signal });
      for await (const entry of readRecords(runHelper(host, plan), plan.nonce)) {
        return { ...entry, name: segments.at(-1) ?? root };
      }
      throw new SandboxError('SANDBOX011', `Nothing was told of ${shown(path)}.`);
    },

    async *read(path, { signal, offset: from = 0, length: most } = {}) {
      const { offset, length } = parseInput(rangeSchema, { offset: from, length: most });
      requireBelow(path);
      yield* runHelper(
        host,
        planOf(READ, path, [String(offset), length === undefined ? '' : String(length)], { signal }),
      );
    },

    async write(path, input, { signal, mode: bits = 0o644 } = {}) {
      const { mode } = parseInput(modeSchema, { mode: bits });
      requireBelow(path);
      requireSource(input, 'data');
      await drain(runHelper(host, planOf(WRITE, path, [mode.toString(8)], { signal, input })));
    },

    async makeDir(path, { signal } = {}) {
      await drain(runHelper(host, planOf(MAKE_FOLDER, path, [], { signal })));
    },

    async rename(from, to, { signal } = {}) {
      requireBelow(from, 'from');
      const target = requireBelow(to, 'to');
      if (from === to) {
        await files.stat(from, { ...(signal && { signal }) });
        return;
      }
      const args = [String(target.segments.length), target.root, ...target.segments];
      await drain(runHelper(host, planOf(RENAME, from, args, { signal }, to)));
    },

    async remove(path, { signal } = {}) {
      requireBelow(path);
      await drain(runHelper(host, planOf(REMOVE, path, [], { signal })));
    },

    async *pack(path, { signal, leftOut, maxFileBytes: largest = 2 ** 52, maxEntries: most } = {}) {
      const { maxFileBytes, maxEntries } = parseInput(boundsSchema, { maxFileBytes: largest, maxEntries: most });
      const plan = planOf(PACK, path, [String(maxFileBytes + 1), String(maxEntries ?? '')], { signal });
      const heard = (words: string): void => leftOut?.(readLeftOut(words, plan.nonce));
      const told: HelperPlan['explain'] = (word, side) =>
        word === 'many' ? tooMany(path, maxEntries) : plan.explain(word, side);
      yield* runHelper(host, { ...plan, steady: true, heard, explain: told });
    },

    async unpack(path, tar, { signal } = {}) {
      requireSource(tar, 'tar');
      const plan = planOf(UNPACK, path, [], { signal });
      await drain(runHelper(host, { ...plan, input: sealed(tar, plan.nonce), seal: '' }));
    },
  };
  return files;
}

function planOf(
  script: string,
  path: string,
  args: readonly string[],
  more: Pick<HelperPlan, 'signal' | 'input'>,
  to = path,
): HelperPlan {
  const { root, segments } = parsePath(path);
  return {
    script,
    args: [...args, root, ...segments],
    nonce: randomBytes(16).toString('hex'),
    explain: (word, side) => explain(word, side === 'to' ? to : path),
    ...more,
  };
}

function requireBelow(path: string, field = 'path'): SandboxPath {
  const parsed = parsePath(path, field);
  if (parsed.segments.length > 0) return parsed;
  throw new SandboxError('SANDBOX008', `${field}: ${path} itself can't be read, written, moved or removed.`, { field });
}

/** The door for callers without types. */
function requireSource(data: unknown, field: string): void {
  if (typeof data === 'object' && data !== null && Symbol.asyncIterator in data) return;
  throw new SandboxError('SANDBOX008', `${field}: must be an async iterable of chunks of bytes.`, { field });
}

async function drain(chunks: AsyncIterable<unknown>): Promise<void> {
  const iterator = chunks[Symbol.asyncIterator]();
  while ((await iterator.next()).done !== true);
}

function shown(path: string): string {
  return JSON.stringify(path.length > 200 ? `${path.slice(0, 200)}…` : path);
}

function tooMany(path: string, most: number | undefined): SandboxError {
  return new SandboxError(
    'SANDBOX004',
    `More than ${String(most)} entries are below ${shown(path)}, which is the most for one archive; take the folders below it one by one.`,
  );
}

function explain(word: string, path: string): SandboxError {
  const name = shown(path);
  switch (word) {
    case 'missing':
      return new SandboxError('SANDBOX012', `Nothing is at ${name}.`);
    case 'full':
      return new SandboxError('SANDBOX004', `The disk of the sandbox has no room left for ${name}.`);
    case 'large':
      return new SandboxError('SANDBOX004', `${name} would be larger than the limit for one file.`);
    case 'link':
      return new SandboxError('SANDBOX008', `${name} is, or leads over, a link; links are not followed.`);
    case 'not-folder':
      return new SandboxError('SANDBOX008', `${name} is, or leads over, something that is no folder.`);
    case 'folder':
      return new SandboxError('SANDBOX008', `There is a folder at ${name}.`);
    case 'not-file':
      return new SandboxError('SANDBOX008', `What is at ${name} is no regular file.`);
    case 'itself':
      return new SandboxError('SANDBOX008', `A folder can't be moved into itself: ${name}.`);
    case 'taken':
      return new SandboxError('SANDBOX008', `A path of the archive is taken by something else, below ${name}.`);
    case 'twofold':
      return new SandboxError('SANDBOX008', 'The archive has a file where it has a folder, too.');
    case 'changed':
      return new SandboxError('SANDBOX011', `A file below ${name} became shorter while it was read; try again.`);
    case 'no-tar':
      return new SandboxError(
        'SANDBOX009',
        'The sandbox has no tar(1), which packs and unpacks: choose an image with it.',
      );
    case 'denied':
      return new SandboxError('SANDBOX008', `The permissions of ${name}, or of its folder, forbid it.`);
    default:
      return new SandboxError('SANDBOX011', `Something kept the sandbox from reading or writing ${name}.`);
  }
}
