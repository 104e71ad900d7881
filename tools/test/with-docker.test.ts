import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { repository, run, succeed } from './workspace.js';

// Starts and ends real engines; the first one on a machine builds the images.
jest.setTimeout(300_000);

const withDocker = join(repository, 'tools/with-docker.sh');

test('an engine of the test run that has gone fails the run', async () => {
  const env = { ERGON_TEST_DOCKER_HOST: 'unix:///nonexistent/docker.sock' };
  const { code, output } = await run('bash', [withDocker, 'echo', 'was run'], { env });
  expect(output).toBe(
    'The engine of this test run no longer answers at unix:///nonexistent/docker.sock (ERGON_TEST_DOCKER_HOST).\n',
  );
  expect(code).toBe(1);
});

// Only root starts engines.
if (process.getuid?.() === 0) {
  describe('started by root where no engine answers', () => {
    test('its own engine has the images and passes on the exit code, and nothing of it is left', async () => {
      const script = `
        echo "$DOCKER_HOST"
        docker run --rm ergon-test/debian:1 sh -c 'node -p 6*7; python3 -c "print(6*7)"'
        docker run --rm ergon-test/busybox:1 echo 42
        docker network create -o com.docker.network.bridge.name=ergon-test0 isolated > /dev/null
        docker run -d --init --network isolated ergon-test/busybox:1 sleep 424242 > /dev/null
        ls /sys/class/net | grep ergon-test0 # the machine does not see the engine's bridges
        exit 7`;
      const { code, stdout } = await run(...alone('sh', '-c', script));
      const [host = '', ...lines] = answers(stdout);
      expect(lines).toEqual(['42', '42', '42']);
      expect(code).toBe(7);
      expect(host).toMatch(/^unix:\/\/\/var\/tmp\/ergon-docker\.\w+\/docker\.sock$/);
      expect(leftovers(folderOf(host))).toEqual([]);
    });

    test('an engine that answers at DOCKER_HOST gets the images, is used, and stays', async () => {
      const script = `
        docker image rm --force ergon-test/busybox:1 > /dev/null
        bash ${withDocker} sh -c 'echo $DOCKER_HOST; docker run --rm ergon-test/busybox:1 echo 42'
        docker run --rm ergon-test/busybox:1 echo 43
        echo $DOCKER_HOST`;
      const lines = answers(await succeed(...alone('sh', '-c', script)));
      expect(lines).toEqual([lines[3], '42', '43', expect.stringMatching(/^unix:/)]);
    });

    test('SIGTERM reaches the command, whose own ending counts, and the engine ends', async () => {
      const script = 'trap "exit 5" TERM; echo $DOCKER_HOST; while :; do sleep 0.05; done';
      const { child, host, ended } = await started('bash', '-c', script);
      child.kill('SIGTERM');
      expect(await ended).toBe(5);
      expect(leftovers(folderOf(host))).toEqual([]);
    });

    test('killed itself, it takes the engine and its containers along; the next one removes the data', async () => {
      const script =
        'docker run -d --init ergon-test/busybox:1 sleep 424242 > /dev/null; echo $DOCKER_HOST; exec sleep 20';
      const { child, host, ended } = await started('sh', '-c', script);
      child.kill('SIGKILL');
      await ended;
      const folder = folderOf(host);
      const deadline = Date.now() + 40_000;
      while (leftovers(folder).join() !== folder && Date.now() < deadline) await sleep(100);
      expect(leftovers(folder)).toEqual([folder]);
      await succeed(...alone('true'));
      expect(leftovers(folder)).toEqual([]);
    });
  });

  describe('started by a user who may use no engine', () => {
    let results: string;

    beforeEach(async () => {
      results = await mkdtemp(join(tmpdir(), 'ergon-with-docker-'));
      await succeed('chmod', ['1777', results]);
    });

    afterEach(() => rm(results, { recursive: true }));

    const asUser = (env: Readonly<Record<string, string>>) =>
      run('bash', [join(repository, 'tools/as-user.sh'), 'bash', 'tools/with-docker.sh', 'echo', 'was run'], {
        env: { ERGON_TEST_RESULTS: results, NX_TASK_TARGET_PROJECT: 'one', NX_TASK_TARGET_TARGET: 'test', ...env },
      });

    test('it says what was not run and why, and the summary counts it as skipped', async () => {
      const { code, output } = await asUser({});
      expect(output).toContain('Only root can start one.');
      expect(output).toMatch(
        /^NOT RUN, for want of a Docker Engine: echo was run \(in .+\)\. Give it one by DOCKER_HOST/m,
      );
      expect(code).toBe(0);
      const summary = await succeed('node', [
        join(repository, 'tools/test-results/summary.mjs'),
        results,
        'one:test=0',
      ]);
      expect(summary).toContain('one:test: 0 passed, 0 failed, 1 skipped (not run: there is no Docker Engine)\n');
      expect(summary).toMatch(/\n0 passed, 0 failed, 1 skipped\n$/);
    });

    test('in CI it fails', async () => {
      const { code, output } = await asUser({ CI: 'true' });
      expect(output).toContain(
        'There is no Docker Engine, and in CI (CI=true) that is a failure. Not run: echo was run\n',
      );
      expect(code).toBe(1);
      expect(readdirSync(results)).toEqual([]);
    });
  });
}

/** with-docker.sh and its command where the machine's own engine, if it has one, is out of sight. */
function alone(...command: string[]): [string, string[]] {
  const hide = 'mount -t tmpfs tmpfs /run && exec "$@"';
  return ['unshare', ['--mount', 'sh', '-c', hide, 'sh', 'bash', withDocker, ...command]];
}

/** The same, once the command has said DOCKER_HOST. */
async function started(...command: string[]) {
  const { PATH, HOME } = process.env;
  const child = spawn(...alone(...command), { env: { PATH, HOME }, stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'exit').then(([code]) => code as number | null);
  let stdout = '';
  for await (const text of child.stdout.setEncoding('utf8')) {
    stdout += text as string;
    if (answers(stdout).length > 0) break;
  }
  return { child, host: answers(stdout)[0] ?? '', ended };
}

/** The lines that the command wrote, among those of with-docker.sh. */
function answers(stdout: string): string[] {
  return stdout.split('\n').filter((line) => line !== '' && !line.startsWith('==> '));
}

function folderOf(host: string): string {
  return dirname(host.replace('unix://', ''));
}

/** What there is on this machine of the engine that has, or had, this folder. */
function leftovers(folder: string): string[] {
  const name = basename(folder);
  const processes = readdirSync('/proc')
    .filter((pid) => /^\d+$/.test(pid))
    .map((pid) => commandOf(pid))
    .filter((command) => command.includes(name) || command === 'sleep 424242 ');
  const mounts = readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .filter((line) => line.includes(name));
  const cgroups = readdirSync('/sys/fs/cgroup', { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => (entry.name === name ? entry.name : join(entry.name, name)))
    .filter((path) => existsSync(join('/sys/fs/cgroup', path)));
  return [...processes, ...mounts, ...cgroups, ...[folder].filter((path) => existsSync(path))];
}

/** Its arguments, each with a space after it; nothing for one that has ended. */
function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return '';
    throw error;
  }
}
