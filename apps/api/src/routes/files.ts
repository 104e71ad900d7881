import { buffer } from 'node:stream/consumers';
import type { ArchiveEntry, FileEntry, RunnerFiles, SandboxRunner } from '@ergon/sandbox-core';
import { parseInput, readTar, SandboxError } from '@ergon/sandbox-core';
import type { Request, Response, Router } from 'express';
import { sendArchive, sendFile } from '../files/send.js';
import type { ArchiveKind } from '../files/send.js';
import { Spools } from '../files/spool.js';
import { bodyOf, maxArchiveEntries, refuseForm, uploadedArchive } from '../files/upload.js';
import { maxZipEntries } from '../files/write-zip.js';
import { limitSilenceOnly } from '../http/body-time.js';
import { leftSignal } from '../http/left.js';
import { HttpError } from '../http/problem.js';
import { noQuery } from '../http/query.js';
import { aboutSandbox } from '../http/request-context.js';
import { resource } from '../http/resource.js';
import { fileEntryToWire } from '../wire/files.js';
import { filesQuerySchema, moveQuerySchema, putQuerySchema, sandboxIdSchema } from '../wire/requests.js';

const smallBytes = 64 * 1024;
/** Entries that go down in one archive. */
const mostIn: Readonly<Record<ArchiveKind, number>> = { tar: maxArchiveEntries, zip: maxZipEntries };

/** `/{sandbox_id}/files…`: what is in a sandbox's workspace and output. */
export function fileRoutes(router: Router, runner: SandboxRunner, dataDir: string): void {
  const spools = new Spools(dataDir);
  const of = (request: Request): RunnerFiles => {
    const { sandbox_id: id } = parseInput(sandboxIdSchema, request.params);
    aboutSandbox(id);
    return runner.sandbox(id).files();
  };

  const get = async (request: Request, response: Response): Promise<void> => {
    const { limit, archive, stat = false } = parseInput(filesQuerySchema, request.query);
    const path = pathOf(request);
    const files = of(request);
    const signal = leftSignal(response);
    const entry = await files.stat(path, { signal });
    if (stat) {
      response.json(fileEntryToWire(entry));
    } else if (entry.type === 'folder') {
      if (archive === undefined) {
        const { entries, truncated } = await files.list(path, { signal, ...(limit !== undefined && { limit }) });
        response.json({ path: path.slice(1), entries: entries.map(fileEntryToWire), truncated });
      } else {
        const entries: AsyncIterable<ArchiveEntry> = readTar(
          files.pack(path, { signal, maxEntries: mostIn[archive] }),
          { maxEntries: mostIn[archive], maxBytes: Infinity, skipped: () => undefined },
        );
        await sendArchive(response, archive, entry.name, entries);
      }
    } else {
      if (archive !== undefined) throw notFolder(path);
      const read = (part: { offset: number; length: number }): AsyncIterable<Uint8Array> =>
        files.read(path, { signal, ...part });
      await sendFile(response, { ...requireFile(entry, path), read });
    }
  };

  const put = async (request: Request, response: Response): Promise<void> => {
    const { archive, folder = false } = parseInput(putQuerySchema, request.query);
    if (!folder) refuseForm(request);
    const path = pathOf(request);
    const files = of(request);
    const signal = leftSignal(response);
    if (archive !== undefined) {
      const upload = uploadedArchive(request, archive, spools);
      await files.unpack(path, upload.tar, { signal });
      response.json({ success: true, path: path.slice(1), files: upload.files() });
    } else if (folder) {
      for await (const chunk of bodyOf(request)) {
        if (chunk.length > 0) throw new HttpError(422, 'Invalid input', 'The body must be empty: a folder is made.');
      }
      await files.makeDir(path, { signal });
      response.json({ success: true, path: path.slice(1) });
    } else {
      let size = 0;
      const counted = async function* (): AsyncGenerator<Uint8Array> {
        for await (const chunk of bodyOf(request)) {
          size += chunk.length;
          yield chunk;
        }
      };
      // A small one is here as a whole before it is written, so that it waits for none that comes slowly.
      const isSmall = Number(request.headers['content-length'] ?? Infinity) <= smallBytes;
      const data = isSmall ? await buffer(counted()) : counted();
      const above = path.slice(0, path.lastIndexOf('/'));
      if (above.lastIndexOf('/') > 0) await files.makeDir(above, { signal });
      await files.write(path, data, { signal });
      response.json({ success: true, path: path.slice(1), size });
    }
  };

  const post = async (request: Request, response: Response): Promise<void> => {
    const { rename_to: target } = parseInput(moveQuerySchema, request.query);
    const to = placeOf(target.split('/'));
    await of(request).rename(pathOf(request), to, { signal: leftSignal(response) });
    response.json({ success: true, path: to.slice(1) });
  };

  const remove = async (request: Request, response: Response): Promise<void> => {
    await of(request).remove(pathOf(request), { signal: leftSignal(response) });
    response.json({ success: true });
  };

  resource(router, '/:sandbox_id/files', { get, put: [limitSilenceOnly, put] });
  resource(router, '/:sandbox_id/files/*path', { get, put: [limitSilenceOnly, put], post, delete: [noQuery, remove] });
}

/**
 * The path of the request, as the sandbox's programs see it. Clients that are made from the document, and its page, write its slashes as
 * `%2F`: no name has one, so that it can be nothing else.
 */
function pathOf(request: Request): string {
  const { path } = request.params as { readonly path?: string | readonly string[] };
  return placeOf(path === undefined ? [] : [path].flat().flatMap((part) => part.split('/')));
}

/** Below workspace unless output is named. What else a path must not be, the sandbox's files say. */
function placeOf(segments: readonly string[]): string {
  const [first = 'workspace', ...rest] = segments.at(-1) === '' ? segments.slice(0, -1) : segments;
  const below = first === 'workspace' || first === 'output' ? [first, ...rest] : ['workspace', first, ...rest];
  return `/${below.join('/')}`;
}

function requireFile(entry: FileEntry, path: string): FileEntry & { readonly bytes: number } {
  if (entry.type === 'file' && entry.bytes !== null) return { ...entry, bytes: entry.bytes };
  const what = entry.type === 'link' ? 'a link, and links are not followed' : 'no regular file';
  throw new SandboxError('SANDBOX008', `path: ${JSON.stringify(path.slice(0, 200))} is ${what}.`, { field: 'path' });
}

function notFolder(path: string): SandboxError {
  return new SandboxError('SANDBOX008', `archive: ${JSON.stringify(path.slice(0, 200))} is no folder.`, {
    field: 'archive',
  });
}
