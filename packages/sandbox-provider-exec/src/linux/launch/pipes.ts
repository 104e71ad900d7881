import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, fchownSync, openSync } from 'node:fs';
import { SandboxError } from '@ergon/sandbox-core';
import { readEnd, requireStarted, writeEnd } from '../../posix/streams.js';

/** The two ends of a pipe: the program's, which blocks, and ours, which does not. */
export interface PipePair {
  readonly theirs: number;
  readonly ours: number;
}

export interface StandardPipes {
  readonly stdin: PipePair;
  readonly stdout: PipePair;
  readonly stderr: PipePair;
}

/** A shell in the midst of three pipelines: it holds three pipes at 3, 4 and 5, says its pid, and stays until 6 ends. */
const MAKER = ": | { exec 3<&0; : | { exec 4<&0; : | { exec 5<&0; exec /bin/sh -c 'echo $$; read -r _' <&6; }; }; }";

/**
 * Pipes for a program's standard streams. Node's own are sockets, which cannot be opened again: `echo x > /dev/stderr` fails on them.
 * A FIFO can, but opening one whose writer has closed waits for ever, as `open('/dev/stdin')` would after the input's end. So: real
 * pipes, which a shell makes and /proc lets us open; owned by the program's user, so that it may open them again.
 */
export async function makePipes(owner: number | null): Promise<StandardPipes> {
  const maker = spawn('/bin/sh', ['-c', MAKER], {
    stdio: ['ignore', 'pipe', 'ignore', 'ignore', 'ignore', 'ignore', 'pipe'],
    env: {},
    cwd: '/',
    detached: true,
  });
  await requireStarted(maker);
  const exited = once(maker, 'exit');
  const opened: number[] = [];
  const open = (path: string, flags: number): number => {
    const fd = openSync(path, flags);
    opened.push(fd);
    return fd;
  };
  const pair = (path: string, programReads: boolean): PipePair => {
    const theirs = open(path, programReads ? constants.O_RDONLY : constants.O_WRONLY);
    const ours = open(path, (programReads ? constants.O_WRONLY : constants.O_RDONLY) | constants.O_NONBLOCK);
    if (owner !== null) fchownSync(theirs, owner, owner);
    return { theirs, ours };
  };
  try {
    const [line] = (await Promise.race([once(readEnd(maker, 1), 'data'), exited])) as [unknown];
    if (!(line instanceof Uint8Array)) throw new SandboxError('SANDBOX011', 'A shell that makes pipes ended at once.');
    const held = `/proc/${Number(Buffer.from(line).toString())}/fd`;
    return { stdin: pair(`${held}/3`, true), stdout: pair(`${held}/4`, false), stderr: pair(`${held}/5`, false) };
  } catch (error) {
    opened.forEach((fd) => closeSync(fd));
    throw error;
  } finally {
    writeEnd(maker, 6).end();
    await exited;
  }
}
