/* eslint-disable @nx/enforce-module-boundaries -- what these tests share with those of the table is in no published package */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { containerProfile, SECCOMP_POLICY, seccompProgram, type SeccompArch } from '@ergon/sandbox-seccomp';
import fc from 'fast-check';
import { runFilter } from '../../sandbox-seccomp/test/bpf-interpreter.js';
import { AUDIT, number, sixArguments, u32 } from '../../sandbox-seccomp/test/calls.js';
import { OPEN, ORDINARY, REFUSED } from '../../sandbox-seccomp/test/outcomes.js';

const arch = process.arch as SeccompArch;
const KILL_THREAD = 0;
const ALLOW = 0x7fff0000;
const label = `ergon-test.seccomp=${process.pid}`;

/** Names that libseccomp 2.5 does not know: runc leaves them out, and the kernel answers. */
const YOUNG = ['statmount', 'listmount', 'open_tree_attr'];

/** Numbers of x32 before Linux 5.4, which have no names. */
const isOldX32 = (nr: number): boolean => arch === 'x64' && nr >= 512 && nr < 548;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'seccomp-'));
  writeFileSync(join(folder, 'ours'), JSON.stringify(containerProfile()));
  writeFileSync(join(folder, 'of-one-machine'), JSON.stringify(containerProfile(arch)));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
  for (const id of docker(['ps', '-aq', '--filter', `label=${label}`]).split('\n'))
    if (id !== '') docker(['rm', '-f', id]);
});

interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function runDocker(args: readonly string[], input = ''): Ended {
  const { status, stdout, stderr, error } = spawnSync('docker', args, { input, encoding: 'utf8', timeout: 50_000 });
  if (error) throw error;
  return { status, stdout, stderr };
}

function docker(args: readonly string[], input = ''): string {
  const { status, stdout, stderr } = runDocker(args, input);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return stdout;
}

/** What a sandbox's container has besides the profile; the rest of its options has no say in what a filter answers. */
const confined = (profile: 'ours' | 'of-one-machine' | 'none'): string[] =>
  [
    ['--rm', '--init', '--label', label, '--network', 'none', '--read-only', '--tmpfs', '/tmp', '--workdir', '/tmp'],
    ['--user', '65534:65534', '--cap-drop', 'ALL', '--security-opt', 'no-new-privileges', '--ulimit', 'core=1'],
    ['--security-opt', `seccomp=${profile === 'none' ? 'unconfined' : join(folder, profile)}`],
  ].flat();

const IMAGE = 'ergon-test/debian:1';

/** The command that saves a program from its input and runs it: nothing is assumed about a disk shared with the engine. */
const saveAndRun = (interpreter: string, program: string, args: readonly string[]): string[] => {
  const script = 'interpreter=$1 program=$2; shift 2; cat > "$program" && exec "$interpreter" "$program" "$@"';
  return ['sh', '-c', script, 'sh', interpreter, program, ...args];
};
const source = (program: string): string =>
  readFileSync(resolve(__dirname, '../../sandbox-seccomp/test/programs', program), 'utf8');

type Run = (interpreter: string, program: string, args?: readonly string[]) => Ended;

const runIn =
  (profile: Parameters<typeof confined>[0]): Run =>
  (interpreter, program, args = []) =>
    runDocker(['run', '-i', ...confined(profile), IMAGE, ...saveAndRun(interpreter, program, args)], source(program));

/** In a container that is up already, by `docker exec`. */
function execIn(): Run {
  let id: string | undefined;
  return (interpreter, program, args = []) => {
    id ??= docker(['run', '-d', ...confined('ours'), IMAGE, 'sleep', '600']).trim();
    return runDocker(['exec', '-i', id, ...saveAndRun(interpreter, program, args)], source(program));
  };
}

function printed({ status, stdout, stderr }: Ended): string {
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return stdout;
}

const always = SECCOMP_POLICY.filter(({ when, number: numbers }) => !when && numbers[arch] !== null);
const makeCalls = (run: Run): Record<string, string> => {
  const numbers = always.map((rule) => String(rule.number[arch]));
  const answers = JSON.parse(printed(run('python3', 'refused-calls.py', numbers))) as string[];
  return Object.fromEntries(always.map(({ name }, index) => [name, answers[index] ?? '']));
};

test('without the profile a container lets all of it through', () => {
  expect(JSON.parse(printed(runIn('none')('python3', 'attacks.py')))).toMatchObject(OPEN);
  const answers = makeCalls(runIn('none'));
  for (const name of ['clone3', 'ptrace', 'process_vm_readv', 'kcmp', 'io_uring_setup', 'keyctl', ...YOUNG]) {
    expect([name, answers[name]]).not.toEqual([name, expect.stringMatching(/EPERM|ENOSYS/)]);
  }
});

describe.each([
  ['docker run', runIn('ours')],
  ['docker run, with the profile of one machine,', runIn('of-one-machine')],
  ['docker exec', execIn()],
])('what %s starts under the profile', (_, run) => {
  test('is refused what it is refused under bubblewrap, and nothing else', () => {
    expect(JSON.parse(printed(run('python3', 'attacks.py')))).toEqual(REFUSED);
  });

  test('gets the errno of each call that is refused whatever its arguments', () => {
    const known = Object.entries(makeCalls(run)).filter(([name]) => !YOUNG.includes(name));
    expect(known).toEqual(always.filter(({ name }) => !YOUNG.includes(name)).map(({ name, errno }) => [name, errno]));
    expect(known.length).toBeGreaterThan(45);
  });

  test.each(ORDINARY)('does all that it does elsewhere: $program', ({ interpreter, program, works }) => {
    expect(printed(run(interpreter, program)).trim().split('\n').join(' ')).toBe(works);
  });

  test('keeps its core limit of 1 whatever it asks, and may lower its others', () => {
    expect(printed(run('python3', 'limits.py'))).toBe('core (1, 1)\nnofile (20, 20)\n');
  });

  if (arch === 'x64') {
    test('is killed for calls of x32, which fail with ENOSYS under bubblewrap', () => {
      expect(run('python3', 'refused-calls.py', [String(0x40000000 + 39)])).toMatchObject({ status: 128 + 31 });
      expect(printed(run('python3', 'refused-calls.py', ['512', '547', '-1']))).toBe(
        '["ENOSYS", "ENOSYS", "ENOSYS"]\n',
      );
    });
  }
});

test('the filter that the engine makes of the profile answers any call as the BPF program does, but for what is said of it', () => {
  const id = docker(['run', '-d', ...confined('ours'), IMAGE, 'sleep', '600']).trim();
  const asTracer = ['--cap-add', 'SYS_ADMIN', '--cap-add', 'SYS_PTRACE', '--security-opt', 'seccomp=unconfined'];
  const tracer = ['run', '--rm', '-i', '--label', label, '--network', 'none', '--pid', `container:${id}`, ...asTracer];
  const loaded = Buffer.from(docker([...tracer, IMAGE, 'python3', '-', '1'], source('loaded-filter.py')), 'base64');
  expect(loaded.length).toBeGreaterThan(1000);
  const ours = seccompProgram(arch);
  const young = SECCOMP_POLICY.filter(({ name }) => YOUNG.includes(name)).map((rule) => rule.number[arch]);

  const own = number.filter((nr) => !young.includes(nr) && !isOldX32(nr));
  fc.assert(
    fc.property(own, sixArguments, (nr, args) => {
      const call = { arch: AUDIT[arch], number: nr, args };
      const isX32 = arch === 'x64' && nr >= 0x40000000;
      // libseccomp lets -1, which is no call, through to the kernel: a tracer puts it where it wants a call left out.
      const otherwise = nr === 0xffffffff ? ALLOW : KILL_THREAD;
      expect(runFilter(loaded, call)).toBe(isX32 ? otherwise : runFilter(ours, call));
    }),
    { numRuns: 20_000 },
  );
  const foreign = fc.oneof(fc.constantFrom(...Object.values(AUDIT)), u32).filter((value) => value !== AUDIT[arch]);
  fc.assert(
    fc.property(foreign, number, sixArguments, (other, nr, args) => {
      expect(runFilter(loaded, { arch: other, number: nr, args })).toBe(KILL_THREAD);
    }),
  );
});
