import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ManagedSandboxProvider, silentLogger } from '@ergon/sandbox-core';
import type {
  CommandSpec,
  PreparedSolution,
  ProviderProbe,
  ResourceUsage,
  SandboxProcess,
  SandboxTemplate,
} from '@ergon/sandbox-core';
import type { MacMachine } from '../machine.js';
import { MacSandbox } from '../sandbox.js';
import type { MacTools } from '../tools.js';

/**
 * Takes the options of sandbox-exec(1) and becomes the command. It isolates nothing. An ordinary user's goes to a user namespace, since
 * Linux has all threads of a user in RLIMIT_NPROC, and macOS the processes.
 */
const NO_SANDBOX = `#!/bin/bash -p
while :; do
  case $1 in
    -p | -f | -n | -D) shift 2 ;;
    *) break ;;
  esac
done
[ "$(id -u)" = 0 ] || exec unshare -Ur -- "$@"
exec "$@"
`;

/**
 * The system's programs as this machine has them, so that all around the profile can be run for real where there is no macOS: ps of Linux
 * prints the same columns, and footprint(1) is one that knows nothing. `sandboxExec`: a script for its place.
 */
export function standInTools(folder: string, sandboxExec = NO_SANDBOX): MacTools {
  const script = (name: string, text: string): string => {
    const path = join(folder, name);
    writeFileSync(path, text);
    chmodSync(path, 0o755);
    return path;
  };
  return {
    sandboxExec: script('sandbox-exec', sandboxExec),
    shell: '/bin/bash',
    ps: ['/bin/ps', 'axwwe', '-o', 'pid=,ppid=,pgid=,uid=,rss=,time=,stat=,lstart=,args='],
    footprint: ['/bin/true'],
    version: [script('sw_vers', '#!/bin/sh\necho 15.3.1\n')],
  };
}

export function standInMachine(tools: MacTools): MacMachine {
  const runtimes = { folders: [], executables: [], links: [], path: [], commands: {} };
  return { tools, version: 'none', runtimes, languages: ['shell'], cpus: 2, memoryBytes: 4 << 30 };
}

/** Sandboxes as on macOS, without any isolation. */
export class StandInProvider extends ManagedSandboxProvider<MacSandbox> {
  readonly name = 'stand-in';

  constructor(
    private readonly machine: MacMachine,
    private readonly stateDir: string,
  ) {
    super();
  }

  override probe(): Promise<ProviderProbe> {
    return Promise.resolve({ available: false, reason: 'It isolates nothing.', fix: 'Use it in tests only.' });
  }
  protected override async open(template: SandboxTemplate): Promise<MacSandbox> {
    const folder = join(this.stateDir, template.instanceId, template.sandboxId);
    const sandbox = new MacSandbox(this.machine, template, folder, silentLogger);
    await sandbox.open();
    return sandbox;
  }
  protected override place(box: MacSandbox, solution: PreparedSolution): Promise<void> {
    return box.place(solution);
  }
  protected override spawn(box: MacSandbox, run: CommandSpec): Promise<SandboxProcess> {
    return box.spawn(run);
  }
  protected override measure(box: MacSandbox): Promise<ResourceUsage> {
    return box.measure();
  }
  protected override close(box: MacSandbox): Promise<void> {
    return box.close();
  }
}
