import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { SandboxError } from '@ergon/sandbox-core';
import { makerIsDead } from '../posix/names.js';
import { killIfPresent } from '../posix/kill.js';
import { holdsWithin } from '../posix/wait.js';
import { Family } from './family.js';
import { processTable } from './meter.js';
import { readRecord } from './record.js';
import { removeMacFolder } from './sandbox.js';
import type { MacTools } from './tools.js';

/**
 * Removes what a dead server's sandboxes left: processes and folders. Without a name: of all that are named below `stateDir` and have
 * ended. @returns how many sandboxes had something left
 */
export async function reclaimMacos(instanceId: string | null, stateDir: string, tools: MacTools): Promise<number> {
  if (instanceId === null) {
    let removed = 0;
    for (const other of listed(stateDir).filter(makerIsDead)) removed += await reclaimMacos(other, stateDir, tools);
    return removed;
  }
  const folder = join(stateDir, instanceId);
  const sandboxes = listed(folder);
  for (const sandboxId of sandboxes) {
    await endProcesses(join(folder, sandboxId), tools);
    await removeMacFolder(tools, join(folder, sandboxId));
  }
  return sandboxes.length;
}

async function endProcesses(folder: string, tools: MacTools): Promise<void> {
  const record = readRecord(folder);
  if (record === null) return;
  const family = new Family(record, record.mark);
  const ended = await holdsWithin(10_000, async () => {
    const living = family.find(await processTable(tools));
    for (const { pid } of living) killIfPresent(pid, 'SIGKILL');
    return living.length === 0;
  });
  if (!ended) throw new SandboxError('SANDBOX011', `Processes of ${folder} could not be ended.`);
}

function listed(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}
