import type { FileEntry, KeptFile } from '@ergon/sandbox-core';

type Json = Readonly<Record<string, unknown>>;

export function fileEntryToWire({ name, type, bytes, mode, modifiedMs }: FileEntry): Json {
  return { name, type, size: bytes, mode: octal(mode), modified: dateOf(modifiedMs).toISOString() };
}

export function keptFileToWire({ path, bytes, mode, modifiedMs }: KeptFile): Json {
  return { path, size: bytes, mode: octal(mode), modified: dateOf(modifiedMs).toISOString() };
}

function octal(mode: number): string {
  return (mode & 0o7777).toString(8).padStart(3, '0');
}

/** A program may date a file as it likes; the formats of times have four digits for a year. */
export function dateOf(ms: number): Date {
  const first = Date.parse('0000-01-01T00:00:00Z');
  const last = Date.parse('9999-12-31T23:59:59Z');
  return new Date(Math.min(Math.max(ms, first), last));
}
