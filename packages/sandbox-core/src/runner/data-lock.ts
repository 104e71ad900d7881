import { randomUUID } from 'node:crypto';
import { link, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SandboxError, hasErrorCode } from '../contract/error.js';
import { isInstanceAlive } from './instance.js';
import { raiseSign, signAnswers, signName } from './life-sign.js';

/**
 * Takes a data folder for one server. The lock is a file that names its holder, which lives while its process does or its socket in the
 * folder answers: so it ends with that process, also by SIGKILL, and holds for servers in other pid namespaces (containers).
 *
 * @returns a function that gives the folder back.
 * @throws SandboxError SANDBOX001 when another server that lives holds it.
 */
export async function lockDataFolder(dataDir: string, instanceId: string): Promise<() => Promise<void>> {
  const lock = join(dataDir, 'lock');
  const mine = join(dataDir, `.lock-${randomUUID()}`);
  await writeFile(mine, instanceId);
  const sign = await raiseSign(dataDir, instanceId);
  try {
    for (;;) {
      try {
        await link(mine, lock); // fails when it exists, and shows the whole content from its first moment
        return async () => {
          if ((await readHolder(lock)) === instanceId) await rm(lock, { force: true });
          await sign.close();
        };
      } catch (error) {
        if (!hasErrorCode(error, 'EEXIST')) throw error;
      }
      const holder = await readHolder(lock);
      if (holder === null) continue; // given back just now
      if (await isHeld(dataDir, holder)) throw inUse(dataDir, holder);
      // Two starts may find the same dead holder: what each takes away is looked at again.
      const taken = join(dataDir, `.lock-${randomUUID()}`);
      try {
        await rename(lock, taken);
      } catch (error) {
        if (hasErrorCode(error, 'ENOENT')) continue;
        throw error;
      }
      const found = await readHolder(taken);
      if (found !== null && (await isHeld(dataDir, found))) {
        await link(taken, lock);
        await rm(taken, { force: true });
        throw inUse(dataDir, found);
      }
      await rm(taken, { force: true });
      if (found !== null) await rm(join(dataDir, signName(found)), { force: true });
    }
  } catch (error) {
    await sign.close();
    throw error;
  } finally {
    await rm(mine, { force: true });
  }
}

async function isHeld(dataDir: string, holder: string): Promise<boolean> {
  return isInstanceAlive(holder) === true || (await signAnswers(dataDir, holder));
}

function inUse(dataDir: string, holder: string): SandboxError {
  const pid = holder.split('-')[1] ?? '?';
  return new SandboxError(
    'SANDBOX001',
    `The data folder ${dataDir} is in use by another server (process ${pid}). Stop that one, or give this one a data folder of its own.`,
  );
}

async function readHolder(path: string): Promise<string | null> {
  try {
    return (await readFile(path, 'utf8')).trim();
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT')) return null;
    throw error;
  }
}
