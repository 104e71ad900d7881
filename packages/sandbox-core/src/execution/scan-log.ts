import type { FileHandle } from 'node:fs/promises';
import type { OutputStream } from '../contract/provider.js';
import type { Losses } from './block.js';
import { fileHeader, firstSeqOf, recordKinds, recordsOf } from './block.js';
import type { StoredBlocks } from './block-store.js';
import { markBlock } from './marks.js';
import { newline } from './newlines.js';
import { ReadWindow } from './read-window.js';

/** What a log's file holds, up to its last whole block. */
export interface ScannedLog {
  readonly stored: StoredBlocks;
  lastAtUs: number;
  losses: Losses;
  /** The stream is within a line where the log ends. */
  readonly withinLine: Record<OutputStream, boolean>;
}

export function emptyLog(): ScannedLog {
  return {
    stored: { end: fileHeader.length, lastSeq: 0, ended: false, output: { stdout: 0, stderr: 0 }, marks: [] },
    lastAtUs: 0,
    losses: { truncated: false, discardedBytes: 0, droppedEntries: 0 },
    withinLine: { stdout: false, stderr: false },
  };
}

/** Reads a log through once. @throws Error when it is no event log. */
export async function scanLog(file: FileHandle, path: string): Promise<ScannedLog> {
  const { size } = await file.stat();
  const header = Buffer.alloc(fileHeader.length);
  const { bytesRead } = await file.read(header, 0, header.length, 0);
  if (!fileHeader.subarray(0, bytesRead).equals(header.subarray(0, bytesRead))) {
    throw new Error(`${path} is not an event log.`);
  }
  const log = emptyLog();
  const window = new ReadWindow();
  while (log.stored.end < size && !log.stored.ended) {
    const blocks = await window.read(file, log.stored.end, size);
    if (blocks.length === 0) break; // torn
    for (const block of blocks) addBlock(log, block);
  }
  return log;
}

function addBlock(log: ScannedLog, block: Buffer): void {
  const { stored, withinLine } = log;
  markBlock(stored.marks, stored.end, firstSeqOf(block), !withinLine.stdout && !withinLine.stderr);
  stored.end += block.length;
  for (const { kind, stream, held, seq, numbers, atUs, from, to } of recordsOf(block)) {
    stored.lastSeq = seq + numbers - 1;
    log.lastAtUs = atUs;
    switch (kind) {
      case recordKinds.output:
        stored.output[stream] += to - from;
        withinLine[stream] = held > 0 || block[to - 1] !== newline;
        break;
      case recordKinds.rest:
        withinLine[stream] = false;
        break;
      case recordKinds.losses:
        log.losses = JSON.parse(block.toString('utf8', from, to)) as Losses;
        break;
      case recordKinds.end:
        stored.ended = true;
        break;
      case recordKinds.entry:
        break;
    }
  }
}
