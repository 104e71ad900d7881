import fc from 'fast-check';
import { runFilter, type SeccompData } from '../test/bpf-interpreter.js';
import { AUDIT, number, sixArguments, u32 } from '../test/calls.js';
import { profileAnswers } from '../test/profile-interpreter.js';
import { SECCOMP_POLICY, WATCHED_POLICY, type ArgumentTest, type SeccompArch, type SyscallRule } from './policy.js';
import { containerProfile } from './profile.js';
import { seccompProgram } from './program.js';

const ARCHS: readonly SeccompArch[] = ['x64', 'arm64'];
const KILL_THREAD = 0;
const ALLOW = 0x7fff0000;
const ENOSYS = 0x00050026;

const isX32 = (nr: number): boolean => nr >= 0x40000000 || (nr >= 512 && nr < 548);

describe.each(ARCHS)('the profile for a container on %s', (arch) => {
  it.each([
    ['of that machine', containerProfile(arch), seccompProgram(arch)],
    ['of any machine', containerProfile(), seccompProgram(arch)],
    ['of a stricter policy', containerProfile(arch, WATCHED_POLICY), seccompProgram(arch, WATCHED_POLICY)],
  ])('%s answers as the BPF program does, to any call', (_, profile, program) => {
    const answer = profileAnswers(profile, arch);
    fc.assert(
      fc.property(number, sixArguments, (nr, args) => {
        fc.pre(arch !== 'x64' || !isX32(nr));
        const call: SeccompData = { arch: AUDIT[arch], number: nr, args };
        expect(answer(call)).toBe(runFilter(program, call));
      }),
      { numRuns: 10_000 },
    );
  });

  it('kills a program that calls as another architecture', () => {
    const foreign = fc.oneof(fc.constantFrom(...Object.values(AUDIT)), u32).filter((value) => value !== AUDIT[arch]);
    const answer = profileAnswers(containerProfile(arch), arch);
    fc.assert(
      fc.property(foreign, number, sixArguments, (other, nr, args) => {
        expect(answer({ arch: other, number: nr, args })).toBe(KILL_THREAD);
      }),
    );
  });
});

it('kills x32 calls, which the BPF program refuses; those that old kernels took without their bit, and -1, go to the kernel', () => {
  const args = [0n, 0n, 0n, 0n, 0n, 0n];
  for (const [nr, answer] of [
    [0x40000027, KILL_THREAD],
    [0xfffffffe, KILL_THREAD],
    [0xffffffff, ALLOW],
    [512, ALLOW],
    [547, ALLOW],
  ] as const) {
    const call = { arch: AUDIT.x64, number: nr, args };
    expect([nr, profileAnswers(containerProfile(), 'x64')(call)]).toEqual([nr, answer]);
    expect([nr, runFilter(seccompProgram('x64'), call)]).toEqual([nr, ENOSYS]);
  }
});

it('of one machine names its architecture, and no call that it lacks; of any, all calls and a map', () => {
  const named = (profile: ReturnType<typeof containerProfile>): string[] =>
    [...new Set(profile.syscalls.flatMap(({ names }) => names))].sort();
  const all = [...new Set(SECCOMP_POLICY.map(({ name }) => name))].sort();
  expect(containerProfile('x64').architectures).toEqual(['SCMP_ARCH_X86_64']);
  expect(named(containerProfile('x64'))).toEqual(all);
  expect(containerProfile('arm64').architectures).toEqual(['SCMP_ARCH_AARCH64']);
  const onlyX86 = ['iopl', 'ioperm', 'modify_ldt', 'uselib'];
  expect(named(containerProfile('arm64'))).toEqual(all.filter((name) => !onlyX86.includes(name)));
  expect(containerProfile().architectures).toBeUndefined(); // an engine refuses a profile that has both
  expect(containerProfile().archMap?.map(({ architecture }) => architecture)).toEqual([
    'SCMP_ARCH_X86_64',
    'SCMP_ARCH_AARCH64',
  ]);
  expect(named(containerProfile())).toEqual(all);
});

it('says any test of arguments by rules of which one holds where the test does, else none', () => {
  const value = fc.oneof(u32, fc.integer({ min: 0, max: 20 }));
  const values = fc.uniqueArray(value, { minLength: 1, maxLength: 6 });
  const test = fc.oneof(
    fc.record({ argument: fc.constant(0 as const), anyBitOf: u32 }),
    fc.record({ argument: fc.constant(0 as const), oneOf: values }),
    fc.record({ argument: fc.constant(0 as const), noneOf: values }),
    fc.record({ argument: fc.constant(0 as const), present: fc.constant(true as const) }),
  );
  const others: readonly ArgumentTest[] = [
    { argument: 1, present: true },
    { argument: 2, anyBitOf: 6 },
  ];
  const about = (tested: ArgumentTest) =>
    'anyBitOf' in tested || 'present' in tested ? [] : 'oneOf' in tested ? tested.oneOf : tested.noneOf;
  fc.assert(
    fc.property(test, sixArguments, fc.nat(), fc.integer({ min: 0, max: 1 }), (tested, args, pick, garbage) => {
      const policy: SyscallRule[] = [
        { name: 'mount', number: { x64: 165, arm64: 40 }, errno: 'EPERM', when: [tested, ...others] },
      ];
      const own = about(tested);
      const low = own.length > 0 && pick % 2 === 0 ? BigInt(own[pick % own.length] ?? 0) : (args[0] ?? 0n);
      const call = { arch: AUDIT.x64, number: 165, args: [low | (BigInt(garbage) << 40n), ...args.slice(1)] };
      expect(profileAnswers(containerProfile('x64', policy), 'x64')(call)).toBe(
        runFilter(seccompProgram('x64', policy), call),
      );
    }),
    { numRuns: 2000 },
  );
});

it('refuses a rule that tests one argument twice, which engines take for "or"', () => {
  const policy: SyscallRule[] = [
    {
      name: 'mount',
      number: { x64: 165, arm64: 40 },
      errno: 'EPERM',
      when: [
        { argument: 0, noneOf: [3] },
        { argument: 0, anyBitOf: 6 },
      ],
    },
  ];
  expect(() => containerProfile('x64', policy)).toThrow('A rule for mount tests one argument twice');
});
