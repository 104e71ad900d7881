import { spawn } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { seccompProgram } from '@ergon/sandbox-seccomp';
import { bubblewrapArguments, etcFiles } from '../../src/linux/bubblewrap/arguments.js';
import { BWRAP, FIRST_ETC } from '../../src/linux/launch/launcher.js';
import { randomHostUid } from '../../src/linux/identity.js';
import { isRoot } from './server.js';

/** How an attack's sandbox differs from the product's. Without any: it does not. */
export interface Weaker {
  /** Runs of words that are taken out of the product's arguments. It is an error if they are not there. */
  readonly without?: readonly (readonly string[])[];
  /** Words added after them. */
  readonly added?: readonly string[];
  /** Root stays root on the host. */
  readonly keepUid?: boolean;
  readonly noSeccomp?: boolean;
  /** bubblewrap's options on its command line instead of in a descriptor. */
  readonly onCommandLine?: boolean;
  readonly environment?: Readonly<Record<string, string>>;
  readonly stdout?: number;
  readonly stderr?: number;
  /** Words in front of it all, such as those of a terminal. */
  readonly before?: readonly string[];
}

/** A sandbox out of the product's own argument list, which a test may weaken; the product itself has no such switch. */
export class BareSandbox {
  readonly uid = isRoot ? randomHostUid() : (process.getuid?.() ?? 0);
  readonly folder = mkdtempSync(join(isRoot ? tmpdir() : homedir(), 'ergon-bare-'));

  constructor() {
    chmodSync(this.folder, 0o755);
    for (const name of ['solution', 'workspace', 'output']) {
      mkdirSync(join(this.folder, name));
      if (name !== 'solution') chownSync(join(this.folder, name), this.uid, this.uid);
    }
    writeFileSync(join(this.folder, 'solution', 'main.txt'), 'main');
  }

  get arguments(): string[] {
    return bubblewrapArguments({
      paths: {
        solution: join(this.folder, 'solution'),
        workspace: join(this.folder, 'workspace'),
        output: join(this.folder, 'output'),
      },
      runtimes: [],
      systemFolders: ['/bin', '/sbin', '/lib', '/lib64'].flatMap((path) => {
        const stat = lstatSync(path, { throwIfNoEntry: false });
        return stat === undefined ? [] : [{ path, linkTo: stat.isSymbolicLink() ? readlinkSync(path) : null }];
      }),
      pythonLink: null,
      temporaryBytes: 64 << 20,
      terminals: true,
      initShell: BWRAP.initShell,
      etc: Object.fromEntries(Object.keys(etcFiles).map((name, index) => [name, FIRST_ETC + index])),
    });
  }

  /** The program and arguments to spawn, with what goes to its descriptors from 3 on. */
  command(
    program: readonly string[],
    weaker: Weaker = {},
  ): { words: string[]; given: Map<number, string | Uint8Array> } {
    let options = this.arguments;
    for (const words of weaker.without ?? []) options = taken(options, words);
    options = [...options, ...(weaker.added ?? [])];
    const given = new Map<number, string | Uint8Array>(
      Object.values(etcFiles).map((text, index) => [FIRST_ETC + index, text]),
    );
    given.set(BWRAP.initShell, readFileSync('/bin/sh'));
    if (!weaker.onCommandLine) given.set(3, options.map((word) => `${word}\0`).join(''));
    if (!weaker.noSeccomp) given.set(4, seccompProgram(process.arch === 'arm64' ? 'arm64' : 'x64'));
    const drop = [
      'setpriv',
      '--reuid',
      String(this.uid),
      '--regid',
      String(this.uid),
      '--clear-groups',
      '--no-new-privs',
      '--',
    ];
    const words = [
      ...(weaker.before ?? []),
      ...(isRoot && !weaker.keepUid ? drop : []),
      'bwrap',
      ...(weaker.onCommandLine ? options : ['--args', '3']),
      ...(weaker.noSeccomp ? [] : ['--seccomp', '4']),
      '--',
      ...program,
    ];
    return { words, given };
  }

  async run(
    program: readonly string[],
    weaker: Weaker = {},
  ): Promise<{ stdout: string; stderr: string; code: number | null }> {
    const { words, given } = this.command(program, weaker);
    const [file = '', ...args] = words;
    const stdio = Array.from(
      { length: FIRST_ETC + Object.keys(etcFiles).length },
      (_, fd): 'pipe' | 'ignore' | number =>
        fd === 1 ? (weaker.stdout ?? 'pipe') : fd === 2 ? (weaker.stderr ?? 'pipe') : given.has(fd) ? 'pipe' : 'ignore',
    );
    const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', ...weaker.environment };
    const child = spawn(file, args, { stdio, env, cwd: '/' });
    for (const [fd, data] of given) {
      const stream: unknown = (child.stdio as readonly unknown[])[fd];
      if (stream instanceof Writable) stream.on('error', () => undefined).end(data); // it may end before it has read all
    }
    let [stdout, stderr] = ['', ''];
    child.stdout?.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
    return { stdout, stderr, code };
  }

  sh(script: string, weaker: Weaker = {}): ReturnType<BareSandbox['run']> {
    return this.run(['/bin/sh', '-c', script], weaker);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function taken(options: readonly string[], words: readonly string[]): string[] {
  const at = options.findIndex((_, index) => words.every((word, offset) => options[index + offset] === word));
  if (at === -1) throw new Error(`The product's arguments have no "${words.join(' ')}".`);
  return [...options.slice(0, at), ...options.slice(at + words.length)];
}
