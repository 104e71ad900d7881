import { spawnSync } from 'node:child_process';
import { chmodSync, closeSync, copyFileSync, mkdtempSync, openSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SECCOMP_POLICY, type SeccompArch } from '../src/policy.js';
import { seccompProgram } from '../src/program.js';
import { OPEN, ORDINARY, REFUSED } from './outcomes.js';

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
    expect(attack(false)).toMatchObject(OPEN);
  });

  it('is refused with the filter, and nothing else is', () => {
    expect(attack(true)).toEqual(REFUSED);
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
  const paths = { python3: '/usr/bin/python3', node: '/tmp/programs/node', sh: '/bin/sh' };

  it.each(ORDINARY)('$program does all that it does elsewhere', ({ interpreter, program, works }) => {
    const output = run([paths[interpreter], `/tmp/programs/${program}`], { filtered: true });
    expect(output.trim().split('\n').join(' ')).toBe(works);
  });
});
