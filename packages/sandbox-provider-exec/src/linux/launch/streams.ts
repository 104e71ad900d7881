import type { ChildProcess } from 'node:child_process';
import { Readable, Writable } from 'node:stream';

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
