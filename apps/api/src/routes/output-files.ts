import type { ArchiveEntry, KeptOutput, SandboxRunner } from '@ergon/sandbox-core';
import { parseInput, readTar, SandboxError } from '@ergon/sandbox-core';
import type { Request, Response, Router } from 'express';
import { sendArchive, sendFile } from '../files/send.js';
import { aboutSandbox } from '../http/request-context.js';
import { resource } from '../http/resource.js';
import { keptFileToWire } from '../wire/files.js';
import { outputQuerySchema, sandboxIdSchema } from '../wire/requests.js';

/** They were looked at when they were kept. */
const bounds = { maxEntries: Infinity, maxBytes: Infinity };

/** `/results/{sandbox_id}/files…`: what /output held when an execution ended. */
export function outputFileRoutes(router: Router, runner: SandboxRunner): void {
  const get = async (request: Request, response: Response): Promise<void> => {
    const { sandbox_id: sandboxId } = parseInput(sandboxIdSchema, request.params);
    const { execution_id: wanted, archive } = parseInput(outputQuerySchema, request.query);
    aboutSandbox(sandboxId);
    const executionId = wanted ?? (await runner.current(sandboxId))?.id;
    if (executionId === undefined) {
      throw new SandboxError('SANDBOX012', `Nothing has run in sandbox ${sandboxId}, so it has no output.`);
    }
    if (wanted !== undefined && (await runner.execution(wanted)).sandboxId !== sandboxId) {
      throw new SandboxError('SANDBOX006', `Sandbox ${sandboxId} has no execution ${wanted}.`, {
        field: 'execution_id',
      });
    }
    const output = await runner.outputs(executionId);
    const path = [(request.params as { readonly path?: string | readonly string[] }).path ?? []].flat().join('/');
    const file = output.entries.find((entry) => entry.path === path);
    if (file !== undefined) {
      if (archive !== undefined) {
        throw new SandboxError('SANDBOX008', 'archive: this is a file, and no folder.', { field: 'archive' });
      }
      const name = path.slice(path.lastIndexOf('/') + 1);
      await sendFile(response, { ...file, name, read: (part) => output.read(path, part) });
      return;
    }
    const below = path === '' || path.endsWith('/') ? path : `${path}/`;
    const entries = output.entries.filter((entry) => entry.path.startsWith(below));
    if (entries.length === 0 && path !== '') {
      throw new SandboxError('SANDBOX012', `Nothing of the output is at ${JSON.stringify(path.slice(0, 200))}.`);
    }
    if (archive === undefined) {
      response.json({ sandbox_id: sandboxId, execution_id: executionId, path, files: entries.map(keptFileToWire) });
    } else {
      await sendArchive(
        response,
        archive,
        below === '' ? 'output' : (path.split('/').at(-1) ?? 'output'),
        partOf(output, below),
      );
    }
  };
  resource(router, '/results/:sandbox_id/files', { get });
  resource(router, '/results/:sandbox_id/files/*path', { get });
}

async function* partOf(output: KeptOutput, below: string): AsyncGenerator<ArchiveEntry, void, undefined> {
  for await (const entry of readTar(output.tar(), bounds)) {
    if (entry.path.startsWith(below)) yield { ...entry, path: entry.path.slice(below.length) };
  }
}
