import { spawnSync } from 'node:child_process';
import { chmodSync, closeSync, copyFileSync, mkdtempSync, openSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SECCOMP_POLICY, type SeccompArch } from '../src/policy.js';
import { seccompProgram } from '../src/program.js';

const arch = process.arch as SeccompArch;

/** Where an unprivileged user of the test can read the programs, whatever the rights of this checkout. */
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'seccomp-'));
  const programs = join(__dirname, 'programs');
  for (const name of readdirSync(programs)) copyFileSync(join(programs, name), join(folder, name));
  copyFileSync(process.execPath, join(folder, 'node'));
  for (const path of [folder, ...readdirSync(folder).map((name) => join(folder, name))]) chmodSync(path, 0o755);
  writeFileSync(join(folder, 'filter'), seccompProgram(arch));
});

afterAll(() => rmSync(folder, { recursive: true }));

/** Runs a command under bubblewrap, as nobody if the test runs as root, and returns what it printed. */
function run(command: readonly string[], { filtered }: { filtered: boolean }): string {
  const filter = openSync(join(folder, filtered ? 'filter' : 'node'), 'r');
  const isolation =
    '--unshare-all --die-with-parent --cap-drop ALL --ro-bind / / --proc /proc --dev /dev --tmpfs /tmp'.split(' ');
  const { status, stdout, stderr, error } = spawnSync(
    'bwrap',
    [
      ...isolation,
      '--ro-bind',
      folder,
      '/tmp/programs',
      ...(filtered ? ['--seccomp', '3'] : []),
      '--chdir',
      '/tmp',
      ...command,
    ],
    {
      stdio: ['ignore', 'pipe', 'pipe', filter],
      env: { PATH: '/usr/bin:/bin' },
      encoding: 'utf8',
      timeout: 30_000,
      ...(process.getuid?.() === 0 && { uid: 65534, gid: 65534 }),
    },
  );
  closeSync(filter);
  if (error) throw error;
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return stdout;
}

const attack = (filtered: boolean): unknown =>
  JSON.parse(run(['/usr/bin/python3', '/tmp/programs/attacks.py'], { filtered }));

describe('what a program that asks libc gets', () => {
  it("works without the filter, so that a refusal is the filter's", () => {
    expect(attack(false)).toMatchObject({
      'be traced': 'works',
      'read memory': 'works',
      'steal a descriptor': 'works',
      'open a tree of mounts': 'works',
      'leave a namespace': 'works',
      'clone into a namespace': 'works',
      'clone into a namespace, with garbage': 'works',
      clone3: 'EINVAL',
      'limit its parent': 'works',
      // EIO where the system switched it off for all (sysctl dev.tty.legacy_tiocsti).
      TIOCSTI: expect.stringMatching(/works|EIO/) as unknown,
      'TIOCSTI, with garbage': expect.stringMatching(/works|EIO/) as unknown,
      'TIOCLINUX, with garbage': 'ENOTTY',
      'socket of no family': 'EAFNOSUPPORT',
      'socket of family 45, with garbage': 'EAFNOSUPPORT',
      ...(arch === 'x64' && { 'call as 32 bit': 'works' }),
    });
  });

  it('is refused with the filter, and nothing else is', () => {
    expect(attack(true)).toEqual({
      'be traced': 'EPERM',
      'read memory': 'EPERM',
      'steal a descriptor': 'EPERM',
      'open a tree of mounts': 'EPERM',
      'leave a namespace': 'EPERM',
      'clone into a namespace': 'EPERM',
      'clone into a namespace, with garbage': 'EPERM',
      clone: 'works',
      clone3: 'ENOSYS',
      'limit its parent': 'EPERM',
      'limit itself': 'works',
      TIOCSTI: 'EPERM',
      'TIOCSTI, with garbage': 'EPERM',
      'TIOCLINUX, with garbage': 'EPERM',
      'TIOCGWINSZ, with garbage': 'works',
      'socket of no family': 'EPERM',
      'socket of family vsock': 'EPERM',
      'socket of family 45, with garbage': 'EPERM',
      'socket of family unix, with garbage': 'works',
      ...(arch === 'x64' && { 'call as 32 bit': 'SIGSYS' }),
    });
  });
});

describe('each call that the policy refuses whatever its arguments', () => {
  const rules = SECCOMP_POLICY.filter(({ when, number }) => !when && number[arch] !== null);
  const call = (filtered: boolean): Record<string, string | undefined> => {
    const numbers = rules.map(({ number }) => String(number[arch]));
    const output = run(['/usr/bin/python3', '/tmp/programs/refused-calls.py', ...numbers], { filtered });
    const answers = JSON.parse(output) as string[];
    return Object.fromEntries(rules.map(({ name }, index) => [name, answers[index]]));
  };

  it('fails with its errno', () => {
    expect(call(true)).toEqual(Object.fromEntries(rules.map(({ name, errno }) => [name, errno])));
  });

  it('reaches the kernel without the filter', () => {
    const answers = call(false);
    for (const name of [
      'clone3',
      'unshare',
      'setns',
      'ptrace',
      'process_vm_readv',
      'kcmp',
      'mount',
      'umount2',
      'clock_settime',
    ]) {
      expect(answers[name]).not.toMatch(/EPERM|ENOSYS/);
    }
  });
});

describe('ordinary programs under the filter', () => {
  it.each([
    [
      'Python',
      ['/usr/bin/python3', '/tmp/programs/ordinary.py'],
      'threads subprocesses processes sockets event_loop files terminals clocks',
    ],
    [
      'Node',
      ['/tmp/programs/node', '/tmp/programs/ordinary.mjs'],
      'files worker child process http thread pool webassembly',
    ],
    ['a shell', ['/bin/sh', '/tmp/programs/ordinary.sh'], 'pipeline background subshell file trap fork xargs'],
  ])('%s does all that it does elsewhere', (_name, command, worked) => {
    expect(run(command, { filtered: true }).trim().split('\n').join(' ')).toBe(worked);
  });
});
