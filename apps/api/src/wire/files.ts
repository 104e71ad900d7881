import type { FileEntry, KeptFile } from '@ergon/sandbox-core';

type Json = Readonly<Record<string, unknown>>;

export function fileEntryToWire({ name, type, bytes, mode, modifiedMs }: FileEntry): Json {
  return { name, type, size: bytes, mode: octal(mode), modified: new Date(modifiedMs).toISOString() };
}

export function keptFileToWire({ path, bytes, mode, modifiedMs }: KeptFile): Json {
  return { path, size: bytes, mode: octal(mode), modified: new Date(modifiedMs).toISOString() };
}

function octal(mode: number): string {
  return (mode & 0o7777).toString(8).padStart(3, '0');
}
