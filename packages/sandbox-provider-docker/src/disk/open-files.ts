import { SandboxError } from '@ergon/sandbox-core';
import type Dockerode from 'dockerode';
import { AttachedShell } from '../attached/attached-shell.js';

export interface OpenFilesOptions {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Needs `sh`, `stat`, `grep`, `sort` and `xargs`. */
  readonly image: string;
  /** The container of the program. */
  readonly containerId: string;
  /** Device numbers (stat(2), `st_dev`) of the volumes that count. */
  readonly devices: readonly string[];
  readonly securityOpt: readonly string[];
}

/**
 * Answers each line with the bytes of the files without a name that are open in this pid namespace and lie on the devices given: of every thread, since one
 * may have descriptors of its own (clone(2) without CLONE_FILES), and each file once. Nothing is opened: stat follows what /proc shows.
 */
const script = `while IFS= read -r _; do
  printf '%s\\n' /proc/[0-9]*/task/[0-9]*/fd/* | xargs stat -L -c '%h %d %i %b %B' 2>/dev/null | grep '^0 ' | sort -u | {
    sum=0
    while read -r _ device inode blocks size; do
      for each; do [ "$each" != "$device" ] || sum=$((sum + blocks * size)); done
    done
    echo "$sum"
  }
done`;

/**
 * What du can't see: files that were removed and are still open. Looked for from a container that shares the pid namespace of the program's, as another user with the two capabilities
 * that /proc asks for (proc(5), PTRACE_MODE_READ_FSCREDS); it ends with the program's container. Not seen: descriptors on their way through a socket (unix(7)), and a removed file of
 * which only a mapping is left.
 */
export class OpenFiles {
  private constructor(private readonly shell: AttachedShell) {}

  /** @throws SandboxError SANDBOX001 for an image that is not there or lacks a tool, SANDBOX011 */
  static async watch(docker: Dockerode, options: OpenFilesOptions): Promise<OpenFiles> {
    const { name, labels, image, containerId, devices, securityOpt } = options;
    const plan = {
      image,
      labels,
      script,
      parameters: devices,
      networkMode: 'none',
      pidMode: `container:${containerId}`,
      capabilities: ['SYS_PTRACE', 'DAC_OVERRIDE'],
      securityOpt,
    } as const;
    const shell = await AttachedShell.create(docker, name, plan, 'The container that looks for removed files');
    const watcher = new OpenFiles(shell);
    try {
      await shell.start();
      await watcher.bytes();
      return watcher;
    } catch (error) {
      await shell.close();
      throw error;
    }
  }

  /** It has not ended. */
  get alive(): boolean {
    return this.shell.alive;
  }

  /** @throws SandboxError SANDBOX011, also when the program's container has ended */
  async bytes(signal?: AbortSignal): Promise<number> {
    const answer = await this.shell.ask('', signal);
    if (/^\d+$/.test(answer)) return Number(answer);
    throw new SandboxError('SANDBOX011', `The disk cannot be watched: ${JSON.stringify(answer.slice(0, 200))}.`);
  }

  /** Safe to call twice, and when it has ended. */
  async close(): Promise<void> {
    await this.shell.close();
  }
}
