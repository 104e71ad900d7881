import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Socket } from 'node:net';
import { SYSTEM_PATH } from '../../posix/command.js';
import { coveringLeaks } from '../launch/descriptors.js';
import { readEnd, requireStarted } from '../../posix/streams.js';
import { quote } from '../../posix/shell.js';

/** systemd answers in milliseconds, or not at all. */
const ANSWER_MS = 10_000;

/** The socket at which an ordinary user's own systemd answers is in here. Null: there is none. */
export function userRuntimeDir(): string | null {
  const folder = process.env.XDG_RUNTIME_DIR ?? `/run/user/${process.getuid?.() ?? 0}`;
  return existsSync(join(folder, 'systemd/private')) ? folder : null;
}

/**
 * A group that the user's own systemd made for us and keeps its hands off (systemd-run --user --scope, Delegate=yes). It lives as long as a shell in
 * it, which ends with this server, and systemd removes it then.
 */
export class UserScope {
  private constructor(
    private readonly child: ChildProcess,
    private readonly runtimeDir: string,
    readonly unit: string,
    /** The text of its /proc/self/cgroup. */
    readonly cgroup: string,
  ) {}

  /** @returns a sentence where systemd makes none, or was not waited for */
  static async start(runtimeDir: string, signal?: AbortSignal): Promise<UserScope | string> {
    signal?.throwIfAborted();
    const unit = `ergon-sandbox-${process.pid}-${randomBytes(4).toString('hex')}.scope`;
    const options = ['--user', '--scope', '--quiet', '--collect', '--property=Delegate=yes', `--unit=${unit}`];
    const child = coveringLeaks(['pipe', 'pipe', 'pipe'], (stdio) =>
      spawn('systemd-run', [...options, '--', '/bin/sh', '-c', 'cat /proc/self/cgroup; read -r _'], {
        stdio,
        env: { PATH: SYSTEM_PATH, XDG_RUNTIME_DIR: runtimeDir },
        cwd: '/',
        detached: true,
      }),
    );
    const kill = (): void => void child.kill('SIGKILL');
    const timer = setTimeout(kill, ANSWER_MS);
    signal?.addEventListener('abort', kill, { once: true });
    try {
      await requireStarted(child);
      let [said, failed] = ['', ''];
      readEnd(child, 2)
        .setEncoding('utf8')
        .on('data', (text: string) => (failed += text));
      const ended = once(child, 'close').then(
        () => failed.trim() || 'it did not answer',
        (error: unknown) => String(error),
      );
      const told = new Promise<null>((resolve) => {
        readEnd(child, 1)
          .setEncoding('utf8')
          .on('data', (text: string) => {
            said += text;
            if (said.endsWith('\n')) resolve(null);
          });
      });
      const failure = await Promise.race([told, ended]);
      if (failure !== null) return `systemd-run --user --scope: ${failure}`;
      // It is to hold up no process that ends by itself.
      child.unref();
      for (const stream of child.stdio) if (stream instanceof Socket) stream.unref();
      return new UserScope(child, runtimeDir, unit, said);
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', kill);
    }
  }

  get alive(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /**
   * A command by which a shell of ours gets into a group of the scope where it may not write itself there: from outside of the user's own part of
   * the hierarchy, such as the session of an ssh login, systemd alone can move it.
   */
  joinCommand(below: string): string {
    const method = 'org.freedesktop.systemd1 /org/freedesktop/systemd1 org.freedesktop.systemd1.Manager';
    const call = `busctl --user --quiet call ${method} AttachProcessesToUnit ssau ${quote(this.unit)} ${quote(below)} 1 $$`;
    return `XDG_RUNTIME_DIR=${quote(this.runtimeDir)} ${call} >/dev/null || exit 125`;
  }

  async stop(): Promise<void> {
    if (!this.alive) return;
    const ended = once(this.child, 'exit');
    this.child.ref(); // a process that waits for nothing else would end here, before what it does next
    this.child.kill('SIGKILL');
    await ended;
  }
}
