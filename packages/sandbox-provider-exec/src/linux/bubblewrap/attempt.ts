import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { SYSTEM_PATH } from '../../posix/command.js';
import { killIfPresent } from '../../posix/kill.js';
import { limitPtys } from '../launch/ptys.js';
import { parseStatus } from '../launch/status.js';
import { readEnd, requireStarted, writeEnd } from '../../posix/streams.js';

/** Descriptor of bubblewrap, besides 0 (its end), 1 (a word when it is up) and 2 (messages). */
const STATUS = 3;

/** What one sandbox was like. */
export interface Attempt {
  /** What bubblewrap printed when it could not make it; null: it could. */
  readonly failure: string | null;
  /** Why its terminals could not be limited; null: they could. */
  readonly unlimitedPtys: string | null;
}

/**
 * Makes a sandbox with every namespace that we use, and nothing of value in it.
 * @param uid host user of it; null: the server's own
 * @throws the signal's reason, once an aborted one has ended
 */
export async function attemptSandbox(bwrap: string, uid: number | null, signal?: AbortSignal): Promise<Attempt> {
  const namespaces = ['user', 'pid', 'net', 'ipc', 'uts'].map((name) => `--unshare-${name}`);
  const user = ['--disable-userns', '--uid', '1000', '--gid', '1000', '--cap-drop', 'ALL', '--die-with-parent'];
  const folders = ['--ro-bind', '/', '/', '--proc', '/proc', '--dev', '/dev', '--remount-ro', '/'];
  const words = ['--json-status-fd', String(STATUS), '--', '/bin/sh', '-c', 'echo up; read -r _; exit 0'];
  const child = spawn(bwrap, [...namespaces, ...user, ...folders, ...words], {
    stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
    env: { PATH: SYSTEM_PATH, LANG: 'C.UTF-8' },
    cwd: '/',
    detached: true,
    ...(uid !== null && { uid, gid: uid }),
  });
  await requireStarted(child);
  const ended = once(child, 'close');
  const kill = (): void => {
    // With its child, which until it has asked to die with its parent would wait for it for ever.
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null)
      killIfPresent(-child.pid, 'SIGKILL');
  };
  signal?.addEventListener('abort', kill, { once: true });
  let [status, said] = ['', ''];
  const text = (fd: number): NodeJS.ReadableStream => readEnd(child, fd).setEncoding('utf8');
  text(2).on('data', (more: string) => (said += more));
  // Its pid is written before the word, and may still be read after it.
  const named = new Promise<void>((resolve) =>
    text(STATUS).on('data', (more: string) => {
      status += more;
      if (parseStatus(status).childPid !== null) resolve();
    }),
  );
  writeEnd(child, 0).on('error', () => undefined); // it ended: its messages say why
  await Promise.race([Promise.all([once(text(1), 'data'), named]), ended]);
  const { childPid } = parseStatus(status);
  const unlimitedPtys = childPid === null ? 'the sandbox did not come up' : await limitPtys(childPid, uid, signal);
  writeEnd(child, 0).end();
  const [code] = (await ended) as [number | null];
  signal?.removeEventListener('abort', kill);
  signal?.throwIfAborted();
  return { failure: code === 0 ? null : said, unlimitedPtys };
}
