import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { repository, run } from './workspace.js';

// Starts Node and finds its way through all of /proc, on a machine that may be busy.

const asUser = join(repository, 'tools/as-user.sh');

test('the command is not root, is in the same working folder, and its exit code is passed on', async () => {
  const cwd = join(repository, 'packages/sandbox-core');
  const script = 'test "$(id -u)" != 0 && test -w "$HOME" && test -w "${TMPDIR:-/tmp}" && cat package.json; exit 7';
  const { code, stdout } = await run('bash', [asUser, 'sh', '-c', script], { cwd });
  expect(stdout).toBe(readFileSync(join(cwd, 'package.json'), 'utf8'));
  expect(code).toBe(7);
});

test('Node and the packages of the workspace work for the user', async () => {
  const script = 'console.log(require("node:os").userInfo().uid > 0, typeof require("typescript").version)';
  expect(await run('bash', [asUser, 'node', '-e', script])).toMatchObject({ code: 0, stdout: 'true string\n' });
});

// Only root makes a user; for anybody else the command just runs, and there is no more to show.
if (process.getuid?.() === 0) {
  describe('started by root', () => {
    test('the environment holds nothing of root', async () => {
      const env = { TOKEN: 'secret', ERGON_TEST_RESULTS: '/results', CI: 'true' };
      const { stdout } = await run('bash', [asUser, 'env'], { env });
      const names = stdout
        .trim()
        .split('\n')
        .map((line) => line.replace(/=.*/, ''));
      expect(names.sort()).toEqual(['CI', 'ERGON_TEST_RESULTS', 'HOME', 'LANG', 'LOGNAME', 'PATH', 'TMPDIR', 'USER']);
    });

    test('the user has no capability, no group of root, and cannot write in the repository', async () => {
      const script =
        'grep -E "^(CapPrm|CapEff|CapInh|CapAmb|Groups):" /proc/self/status | tr -d "[:space:]"; touch README.md';
      const { code, stdout } = await run('bash', [asUser, 'sh', '-c', script]);
      expect(stdout).toBe(`Groups:${['Inh', 'Prm', 'Eff', 'Amb'].map((set) => `Cap${set}:0000000000000000`).join('')}`);
      expect(code).not.toBe(0);
    });

    test('no process, mount or file is left, whatever the command left', async () => {
      const before = mounts();
      const script = 'id -u; touch "$HOME/a" "$TMPDIR/b"; sleep 1000 & setsid sleep 1000 &';
      const { code, stdout } = await run('bash', [asUser, 'sh', '-c', script]);
      expect(code).toBe(0);
      const uid = Number(stdout);
      expect(uid).toBeGreaterThan(0);
      expect(readdirSync('/proc').filter((name) => /^\d+$/.test(name) && runsAs(name, uid))).toEqual([]);
      expect(mounts()).toEqual(before);
      expect(readdirSync(tmpdir()).filter((name) => ownerOf(join(tmpdir(), name)) === uid)).toEqual([]);
    });

    test('SIGTERM reaches the command, whose own ending counts', async () => {
      const script = 'trap "exit 5" TERM; echo up; while :; do sleep 0.05; done';
      const child = spawn('bash', [asUser, 'sh', '-c', script], { stdio: ['ignore', 'pipe', 'inherit'] });
      const ended = once(child, 'close');
      await once(child.stdout, 'data');
      child.kill('SIGTERM');
      expect(await ended).toEqual([5, null]);
    });
  });
}

/** All but those of containers that an engine on this machine happens to start or end meanwhile. */
function mounts(): string[] {
  const lines = readFileSync('/proc/self/mounts', 'utf8').split('\n');
  return lines.filter((line) => !/^(overlay|nsfs) \S+\/(merged|netns\/\w+) /.test(line));
}

/** Whether a process runs as that user; one that waits to be reaped or is gone already does not. */
function runsAs(pid: string, uid: number): boolean {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return status.includes(`\nUid:\t${uid}\t`) && !/^State:\t[ZX]/m.test(status);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' || (error as NodeJS.ErrnoException).code === 'ESRCH')
      return false;
    throw error;
  }
}

function ownerOf(file: string): number | undefined {
  return statSync(file, { throwIfNoEntry: false })?.uid;
}
