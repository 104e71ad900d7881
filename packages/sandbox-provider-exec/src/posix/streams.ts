import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { Readable, Writable } from 'node:stream';
import { SandboxError } from '@ergon/sandbox-core';

/** @throws SandboxError SANDBOX004 when it could not be started: out of descriptors, processes or memory. It has no streams then. */
export async function requireStarted(child: ChildProcess): Promise<void> {
  if (child.pid !== undefined) return;
  const [cause] = (await once(child, 'error')) as [Error];
  throw new SandboxError('SANDBOX004', `The server could not start a process: ${cause.message}.`, { cause });
}

/** Our end of a child's descriptor that was made as 'pipe'. Node types only the first five. */
export function readEnd(child: ChildProcess, fd: number): Readable {
  const stream = stdio(child)[fd];
  if (stream instanceof Readable) return stream;
  throw new TypeError(`Descriptor ${fd} is no pipe.`);
}

export function writeEnd(child: ChildProcess, fd: number): Writable {
  const stream = stdio(child)[fd];
  if (stream instanceof Writable) return stream;
  throw new TypeError(`Descriptor ${fd} is no pipe.`);
}

function stdio(child: ChildProcess): readonly unknown[] {
  return child.stdio;
}
