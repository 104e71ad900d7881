import { readdir } from 'node:fs/promises';
import type { ProviderPorts } from '@ergon/sandbox-core';
import { SandboxExecProvider } from '@ergon/sandbox-provider-exec';
import { provesThatTheSuiteCatches } from './support/caught.js';

/** Takes all that it did not make itself for left by the dead, as one does that knows of no other server on its machine. */
class TakesOthersForDead extends SandboxExecProvider {
  constructor(private readonly given: ProviderPorts) {
    super(given);
  }

  override async reclaim(instanceId: string | null): Promise<number> {
    let found = await super.reclaim(instanceId);
    if (instanceId !== null) return found;
    for (const each of await readdir(this.given.stateDir)) {
      found += await super.reclaim(each).catch(() => 1); // it lives, and makes more meanwhile
    }
    return found;
  }
}

class ReclaimsNamedOnesAlone extends SandboxExecProvider {
  override async reclaim(instanceId: string | null): Promise<number> {
    return instanceId === null ? 0 : super.reclaim(instanceId);
  }
}

/** Says that it found something, and looks by name alone. */
class SaysItReclaimed extends SandboxExecProvider {
  override async reclaim(instanceId: string | null): Promise<number> {
    return instanceId === null ? 1 : super.reclaim(instanceId);
  }
}

const dead = /reclaim\(null\) removes what a server left that has ended/;

provesThatTheSuiteCatches([
  {
    that: 'takes the sandboxes of a server that lives for those of a dead one',
    create: (ports) => new TakesOthersForDead(ports),
    caughtBy: /reclaim\(null\) touches nothing of a live server/,
    message: /reclaim\(\) of one instance touches nothing of another's sandboxes/,
  },
  {
    that: 'reclaims nothing that is not named',
    create: (ports) => new ReclaimsNamedOnesAlone(ports),
    caughtBy: dead,
    message: /Ask isInstanceAlive\(\) of every instance that has something/,
  },
  {
    that: 'says that it reclaimed something, and did not',
    create: (ports) => new SaysItReclaimed(ports),
    caughtBy: dead,
    message: /nothing of a sandbox is left/,
  },
]);
