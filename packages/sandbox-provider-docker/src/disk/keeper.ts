import type { Readable } from 'node:stream';
import { SandboxError } from '@ergon/sandbox-core';
import type Dockerode from 'dockerode';
import { putInto } from '../archive/index.js';
import { AttachedShell } from '../attached/attached-shell.js';

export interface KeeperOptions {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Needs `sh`, `du` and `sed`. Whoever chose it is trusted with the volumes: its `du` is what is believed. */
  readonly image: string;
  /** Where each volume is mounted, in the keeper as in the sandbox: `{ '/workspace': 'volume-name' }`. */
  readonly volumes: Readonly<Record<string, string>>;
  /** Those of the mounts of which the use is counted, together. */
  readonly measured: readonly string[];
  /** HostConfig.SecurityOpt of every container of ours (no-new-privileges, the seccomp profile). */
  readonly securityOpt: readonly string[];
  readonly signal?: AbortSignal;
}

export interface DiskUse {
  /** Blocks that are allocated, in bytes; not sizes, since a sparse file says more than it takes. */
  readonly bytes: number;
  /** Files and folders. One whose name has newlines counts as so many more. */
  readonly files: number;
  /** What the program made so that it can't be counted, in du's words. Null: nothing. */
  readonly uncountable: string | null;
}

/**
 * Answers the first line with the device of each folder; one that names a folder with what is in it, without loading its names; an empty one with the sum of what is allocated in all, in KiB, and the number of lines in
 * which du tells it: one for each file or folder, and the sum; and one that names a folder behind a "+" with the same of that one. The sum is the last line whatever names the files have.
 */
const script = `IFS= read -r _; echo $(stat -c %d "$@")
while IFS= read -r folder; do
  case $folder in
    '') echo $(du -akcx "$@" | sed -n '$p;$=') ;;
    +*) echo $(du -akcx "\${folder#+}" | sed -n '$p;$=') ;;
    *)
      case $(find "$folder" -mindepth 1 -maxdepth 1 -exec echo some \\; -quit 2>/dev/null && echo done) in
        done) echo empty ;;
        some*) echo some ;;
        *) echo unknown ;;
      esac ;;
  esac
done`;

/** What a file that comes and goes makes du say; anything else means that it could not look everywhere. */
const harmless = /: (No such file or directory|Not a directory)$/;
/** Folders that are too deep: BusyBox's du goes by whole paths, and holds each open. */
const tooDeep = /: (File name too long|Too many open files)$/;

/** BusyBox's du says names as they are: a line that begins with no word of du's own goes on with a name that holds a newline. */
const BEGINNING = 'du: ';

/** What is left to be told of the lines so far and one more. Pure. */
export function withComplaint(lines: readonly string[], line: string): string[] {
  if (!harmless.test(line)) return [...lines, line].slice(0, 100);
  if (line.startsWith(BEGINNING)) return [...lines];
  // The end of a complaint whose beginning, and any lines between, stand before it.
  const begins = lines.findLastIndex((each) => each.startsWith(BEGINNING));
  return begins === -1 ? [...lines] : lines.slice(0, begins);
}

/**
 * A container beside the sandbox's, which has its volumes: takes archives before the run, and tells what they hold while it runs. Has no network, and no capability but to look into
 * every folder. It does not see files that were removed and are still open: see {@link OpenFiles}.
 */
export class Keeper {
  /** Lines of du's that do not tell a harmless end yet. */
  #complaints: string[] = [];
  #devices: readonly string[] = [];
  /** One count at a time: what du complains of is about that one. */
  #counting: Promise<unknown> = Promise.resolve();

  private constructor(
    private readonly shell: AttachedShell,
    private readonly image: string,
  ) {
    shell.onComplaint = (line) => {
      this.#complaints = withComplaint(this.#complaints, line);
    };
  }

  /** @throws SandboxError SANDBOX001 for an image that is not there, SANDBOX011 */
  static async open(docker: Dockerode, options: KeeperOptions): Promise<Keeper> {
    const { name, labels, image, volumes, measured, securityOpt, signal } = options;
    signal?.throwIfAborted();
    const plan = {
      image,
      labels,
      script,
      parameters: measured,
      networkMode: 'none',
      capabilities: ['DAC_OVERRIDE'],
      securityOpt,
      volumes,
      // An engine unpacks nothing at the root of a container whose root is read-only; and only from there do the volumes' own folders get their owner.
      writableRoot: true,
    } as const;
    const shell = await AttachedShell.create(docker, name, plan, 'The container that watches the disk');
    const keeper = new Keeper(shell, image);
    if (signal?.aborted === true) {
      await keeper.close();
      signal.throwIfAborted();
    }
    return keeper;
  }

  get container(): Dockerode.Container {
    return this.shell.container;
  }

  /**
   * Unpacks an archive at a folder of the container, below which the volumes lie: `/`, with names that begin with a volume's folder, which then belongs to whom the archive
   * says. Before `start`, and before any container of the guest has the volumes: later it could plant a link.
   */
  put(target: string, tar: Readable, signal?: AbortSignal): Promise<void> {
    return putInto(this.shell.container, target, tar, signal);
  }

  /** From now on it looks. @throws SandboxError SANDBOX001 for an image without sh, du or sed */
  async start(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    await this.shell.start();
    try {
      const devices = await this.shell.ask('', signal);
      this.#devices = [...new Set(devices.trim().split(/\s+/))];
      if (!this.#devices.every((device) => /^\d+$/.test(device)))
        throw new Error(`stat said ${JSON.stringify(devices)}`);
      await this.use(signal);
    } catch (error) {
      signal?.throwIfAborted();
      throw new SandboxError(
        'SANDBOX001',
        `The disk cannot be watched with the image "${this.image}", which needs sh, du, sed and stat.`,
        { cause: error },
      );
    }
  }

  /** What the measured volumes hold now, all together, or the one at `folder`. @throws SandboxError SANDBOX011 */
  use(signal?: AbortSignal, folder?: string): Promise<DiskUse> {
    const told = this.#counting.then(() => this.#count(folder === undefined ? '' : `+${folder}`, signal));
    this.#counting = told.catch(() => undefined);
    return told;
  }

  async #count(question: string, signal?: AbortSignal): Promise<DiskUse> {
    const answer = await this.shell.ask(question, signal);
    const complaints = this.#complaints;
    this.#complaints = [];
    const deep = complaints.find((line) => tooDeep.test(line));
    const uncountable = deep === undefined ? null : `…${deep.slice(-120)}`;
    const [complaint] = complaints;
    if (complaint !== undefined && uncountable === null) {
      throw new SandboxError('SANDBOX011', `The disk cannot be watched: ${complaint.slice(0, 300)}.`);
    }
    const [, kilobytes, lines] = /^(\d+) total (\d+)$/.exec(answer) ?? [];
    if (lines === undefined)
      throw new SandboxError(
        'SANDBOX011',
        `The disk cannot be watched: its use was told as ${JSON.stringify(answer)}.`,
      );
    return { bytes: Number(kilobytes) * 1024, files: Number(lines) - 1, uncountable };
  }

  /** It was started and has not ended. */
  get alive(): boolean {
    return this.shell.alive;
  }

  /** Device numbers of the volumes that are measured. */
  get devices(): readonly string[] {
    return this.#devices;
  }

  async usedBytes(signal?: AbortSignal): Promise<number> {
    return (await this.use(signal)).bytes;
  }

  /** Whether nothing is in one of its folders. Null: its find(1) can't tell. @throws SandboxError SANDBOX011 */
  async isEmpty(folder: string, signal?: AbortSignal): Promise<boolean | null> {
    const answer = await this.shell.ask(folder, signal);
    return answer === 'empty' ? true : answer === 'some' ? false : null;
  }

  /** Removes the container, not the volumes. Safe to call twice. */
  async close(): Promise<void> {
    await this.shell.close();
  }
}
