import { open } from 'node:fs/promises';
import type { LogEntry } from '../contract/events.js';
import type { SealedBlock } from './block.js';
import { BlockBuilder, fileHeader, outputStreams, recordKinds } from './block.js';
import type { ScannedLog } from './scan-log.js';
import { writeWhole } from './write-whole.js';

/**
 * A crash of the machine may have taken events that readers had seen. What recovery appends is numbered beyond all of those, so
 * that a number names one event for ever: no output has that many bytes and lines.
 */
const recoveryGap = 2 ** 32;

/** The block that ends a log which was cut off: unfinished lines, then the entries, the last of which is the end. */
export function sealRecovery(log: ScannedLog, entries: readonly LogEntry[]): SealedBlock {
  const atUs = log.lastAtUs;
  const block = new BlockBuilder(log.stored.lastSeq + recoveryGap, atUs, false);
  for (const stream of outputStreams) {
    if (log.withinLine[stream]) block.add({ kind: recordKinds.rest, stream, numbers: 1, atUs });
  }
  for (const entry of entries) {
    const kind = entry.type === 'end' ? recordKinds.end : recordKinds.entry;
    block.add({ kind, numbers: 1, atUs }, Buffer.from(JSON.stringify(entry)));
  }
  return block.seal();
}

/** Puts the block in the place of what was torn. */
export async function writeRecovery(path: string, end: number, block: SealedBlock): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await file.truncate(end);
    await writeWhole(file, fileHeader, 0); // may have been torn itself
    await writeWhole(file, block.bytes, end);
    await file.datasync();
  } finally {
    await file.close();
  }
}
