import { spawn } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ProviderPorts, SandboxConfig } from '@ergon/sandbox-core';
import { SandboxExecProvider } from '@ergon/sandbox-provider-exec';
import { provesThatTheSuiteCatches } from './support/caught.js';

/** Knows the configurations of its sandboxes, for those below. */
class Remembers extends SandboxExecProvider {
  readonly configs = new Map<string, SandboxConfig>();

  constructor(protected readonly given: ProviderPorts) {
    super(given);
  }

  override prepare(solutionId: string, path: string, config: SandboxConfig): Promise<string> {
    this.configs.set(config.sandboxId, config);
    return super.prepare(solutionId, path, config);
  }
}

class LeavesFolders extends Remembers {
  override async cleanup(sandboxId: string): Promise<boolean> {
    const cleaned = await super.cleanup(sandboxId);
    const config = this.configs.get(sandboxId);
    if (config !== undefined) {
      const folder = join(this.given.stateDir, config.instanceId, sandboxId);
      await mkdir(folder, { recursive: true });
      await writeFile(join(folder, 'output.log'), 'left');
    }
    return cleaned;
  }
}

class LeavesProcesses extends Remembers {
  override async cleanup(sandboxId: string): Promise<boolean> {
    const config = this.configs.get(sandboxId);
    if (config !== undefined) {
      const marker = `ergon-sandbox/${config.instanceId}/${sandboxId}`;
      spawn('sh', ['-c', 'sleep 1000 & wait', marker], { detached: true, stdio: 'ignore' }).unref();
    }
    return super.cleanup(sandboxId);
  }
}

class LeavesCgroups extends Remembers {
  override async cleanup(sandboxId: string): Promise<boolean> {
    const cleaned = await super.cleanup(sandboxId);
    const { instanceId } = this.configs.get(sandboxId) ?? { instanceId: 'unknown' };
    await mkdir(`/sys/fs/cgroup/pids/ergon-sandbox/${instanceId}/${sandboxId}-1`, { recursive: true });
    return cleaned;
  }
}

/** Says that all went well, whatever removing the sandbox said. */
class SwallowsFailures extends SandboxExecProvider {
  protected override async close(): Promise<void> {
    await Promise.reject(new Error('Device or resource busy')).catch(() => undefined);
  }
}

class KnowsEverySandbox extends SandboxExecProvider {
  override async cleanup(sandboxId: string): Promise<boolean> {
    await super.cleanup(sandboxId);
    return true;
  }
}

class WaitsForTheProgram extends SandboxExecProvider {
  #waiting: Promise<void> | null = null;

  override async cleanup(sandboxId: string): Promise<boolean> {
    await (this.#waiting ??= new Promise((resolve) => setTimeout(resolve, 10_500)));
    return super.cleanup(sandboxId);
  }
}

const left = /After cleanup\(\) nothing of a sandbox is left/;
const runs = /a command runs, its output and exit code are told, and cleanup\(\) leaves nothing/;

provesThatTheSuiteCatches([
  { that: 'leaves a folder', create: (ports) => new LeavesFolders(ports), caughtBy: runs, message: left },
  { that: 'leaves a process', create: (ports) => new LeavesProcesses(ports), caughtBy: runs, message: left },
  {
    that: 'leaves a cgroup',
    create: (ports) => new LeavesCgroups(ports),
    caughtBy: runs,
    message: left,
    rootOnly: true,
  },
  {
    that: 'swallows the failure to remove a sandbox',
    create: (ports) => new SwallowsFailures(ports),
    caughtBy: /two cleanups at once/,
    message: left,
  },
  {
    that: 'says true for the clean-up of what it does not know',
    create: (ports) => new KnowsEverySandbox(ports),
    caughtBy: /an unknown sandbox is SANDBOX006 for execute\(\), and false for cleanup/,
    message: /cleanup\(\) of an unknown sandbox is false/,
  },
  {
    that: 'says true for a second clean-up',
    create: (ports) => new KnowsEverySandbox(ports),
    caughtBy: /after cleanup\(\) a sandbox is unknown/,
    message: /A second cleanup\(\) is false/,
  },
  {
    that: 'lets a run hold up its clean-up',
    create: (ports) => new WaitsForTheProgram(ports),
    caughtBy: /cleanup\(\) during a run ends it/,
    message: /cleanup\(\) does not wait for the deadline of a run/,
  },
]);
