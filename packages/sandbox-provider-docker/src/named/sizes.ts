import { newInstanceId } from '@ergon/sandbox-core';
import type Dockerode from 'dockerode';
import { AttachedShell } from '../attached/attached-shell.js';
import { labelsOf, nameOf } from '../names.js';

export interface MeasureOptions {
  /** Of the volumes in the engine. */
  readonly names: readonly string[];
  /** Needs `sh`, `du` and `sed`. */
  readonly image: string;
  readonly securityOpt: readonly string[];
  readonly signal: AbortSignal;
}

/** So many are in one container. */
const AT_ONCE = 32;
/** What could not be counted by then is not known, in ms. */
const LONGEST_MS = 20_000;

/** Answers the name of a folder with what is allocated in it, in KiB: the last line of du(1), whatever names it holds. */
const script = `while IFS= read -r folder; do echo $(du -akcx "$folder" 2>/dev/null | sed -n '$p'); done`;

/**
 * What volumes take of the disk, in bytes, by a container of ours that sees nothing else, and has no capability but to look into every folder. Those of which that can't be told are
 * missing.
 * @throws SandboxError SANDBOX001, SANDBOX011; the signal's reason
 */
export async function measureVolumes(
  docker: Dockerode,
  { names, image, securityOpt, signal }: MeasureOptions,
): Promise<ReadonlyMap<string, number>> {
  const sizes = new Map<string, number>();
  const timeout = AbortSignal.timeout(LONGEST_MS);
  for (let at = 0; at < names.length; at += AT_ONCE) {
    const part = names.slice(at, at + AT_ONCE);
    const folders = part.map((name, index) => [`/volumes/${index}`, name] as const);
    // Of an instance that ends with this process: what a killed server leaves is found by a later one.
    const owner = { instanceId: newInstanceId(), sandboxId: 'volumes', ownerId: 'volumes' };
    const plan = {
      image,
      labels: labelsOf(owner, 'keeper'),
      script,
      parameters: [],
      networkMode: 'none',
      capabilities: ['DAC_OVERRIDE'],
      securityOpt,
      volumes: Object.fromEntries(folders),
    } as const;
    const shell = await AttachedShell.create(
      docker,
      nameOf(owner.sandboxId, owner.instanceId),
      plan,
      'The container that measures volumes',
    );
    try {
      await shell.start();
      for (const [folder, name] of folders) {
        const size = sizeIn(await shell.ask(folder, AbortSignal.any([signal, timeout])));
        if (size !== null) sizes.set(name, size);
      }
    } catch (error) {
      signal.throwIfAborted();
      if (!timeout.aborted) throw error;
      return sizes;
    } finally {
      await shell.close();
    }
  }
  return sizes;
}

function sizeIn(answer: string): number | null {
  const [, kilobytes] = /^(\d+) total$/.exec(answer) ?? [];
  return kilobytes === undefined ? null : Number(kilobytes) * 1024;
}
