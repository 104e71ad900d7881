import type { FileEntry, SandboxErrorCode, SandboxFiles } from '@ergon/sandbox-core';
import { refuses, succeeds, within } from '../../promises.js';
import type { House } from '../../house.js';
import type { TestSandbox } from '../../sandbox.js';
import { needsClaim } from '../../suite.js';

export const needsFiles = needsClaim('files', ({ capabilities }) => capabilities.files);

export const mend =
  "Do the work as the sandbox's user inside of its mounts; ManagedSandboxProvider does it over the hook that starts a helper.";

export async function filesOf(house: House, own?: TestSandbox): Promise<{ sandbox: TestSandbox; files: SandboxFiles }> {
  const sandbox = own ?? (await house.shared());
  return { sandbox, files: await step('files()', async () => house.provider.files(sandbox.id)) };
}

export function step<T>(what: string, work: () => Promise<T>): Promise<T> {
  return succeeds(30_000, what, mend, work);
}

export function refusesWith(
  work: Promise<unknown>,
  code: SandboxErrorCode,
  promise: string,
  path?: string,
): Promise<void> {
  const where = path === undefined ? '' : ` (${JSON.stringify(path)})`;
  return refuses(() => within(30_000, 'A call to files', work), [code], { promise: `${promise}${where}`, mend });
}

export function shape({ name, type, bytes }: FileEntry): [string, string, number | null] {
  return [name, type, bytes];
}

export async function read(
  files: SandboxFiles,
  path: string,
  range: { offset?: number; length?: number } = {},
): Promise<Buffer> {
  const collect = async (): Promise<Buffer> => {
    const parts: Uint8Array[] = [];
    for await (const part of files.read(path, range)) parts.push(part);
    return Buffer.concat(parts);
  };
  return collect();
}

export async function text(files: SandboxFiles, path: string): Promise<string> {
  return (await step('read()', () => read(files, path))).toString();
}

export async function* pieces(...all: readonly (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const piece of all) yield typeof piece === 'string' ? Buffer.from(piece) : piece;
}
