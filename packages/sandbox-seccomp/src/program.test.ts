import fc from 'fast-check';
import { WATCHED_POLICY, type SeccompArch, type SyscallRule } from './policy.js';
import { seccompProgram } from './program.js';
import { runFilter, type SeccompData } from '../test/bpf-interpreter.js';
import { AUDIT, number, sixArguments, u32 } from '../test/calls.js';

const ALLOW = 0x7fff0000;
const EPERM = 0x00050001;
const ENOSYS = 0x00050026;
const SUCCESS = 0x00050000;
const KILL = 0x80000000;

const ARCHS: readonly SeccompArch[] = ['x64', 'arm64'];

/** The policy a second time, by number, taken from the kernel's headers (`asm/unistd_64.h`, `asm-generic/unistd.h`) and not from the table. */
const POLICY = {
  x64: {
    refused: [
      101, 103, 134, 154, 155, 159, 163, 164, 165, 166, 167, 168, 169, 172, 173, 175, 176, 179, 227, 246, 248, 249, 250,
      272, 298, 300, 304, 305, 308, 310, 311, 312, 313, 320, 321, 323, 425, 426, 427, 428, 429, 430, 431, 432, 433, 438,
      442, 443, 457, 458, 467,
    ],
    ioctl: 16,
    sockets: [41, 53],
    clone: 56,
    setrlimit: 160,
    prlimit64: 302,
    x32: (number: number) => number >= 0x40000000 || (number >= 512 && number <= 547),
  },
  arm64: {
    refused: [
      39, 40, 41, 60, 89, 97, 104, 105, 106, 112, 116, 117, 142, 170, 171, 217, 218, 219, 224, 225, 241, 262, 265, 266,
      268, 270, 271, 272, 273, 280, 282, 294, 425, 426, 427, 428, 429, 430, 431, 432, 433, 438, 442, 443, 457, 458, 467,
    ],
    ioctl: 29,
    sockets: [198, 199],
    clone: 220,
    setrlimit: 164,
    prlimit64: 261,
    x32: () => false,
  },
};

function expected(filterArch: SeccompArch, { arch, number, args }: SeccompData): number {
  const { refused, ioctl, sockets, clone, setrlimit, prlimit64, x32 } = POLICY[filterArch];
  const [first, second] = args.map((value) => value & 0xffffffffn);
  if (arch !== AUDIT[filterArch]) return KILL;
  if (x32(number) || number === 435) return ENOSYS;
  if (number === ioctl && (second === 0x5412n || second === 0x541cn)) return EPERM;
  if (number === clone && first !== undefined && (first & 0x7e020000n) !== 0n) return EPERM;
  if (sockets.includes(number) && first !== 1n && first !== 2n && first !== 10n && first !== 16n) return EPERM;
  if (number === setrlimit && first === 4n) return SUCCESS;
  if (number === prlimit64 && args[2] !== 0n) return second === 4n ? SUCCESS : args[0] === 0n ? ALLOW : EPERM;
  return refused.includes(number) ? EPERM : ALLOW;
}

describe.each(ARCHS)('the seccomp program for %s', (arch) => {
  const program = seccompProgram(arch);

  it('answers every call as the policy says, whatever the upper halves of arguments hold', () => {
    fc.assert(
      fc.property(number, sixArguments, (nr, args) => {
        const call = { arch: AUDIT[arch], number: nr, args };
        expect(runFilter(program, call)).toBe(expected(arch, call));
      }),
      { numRuns: 20_000 },
    );
  });

  it('answers each number that the kernel could have, with empty arguments, as the policy says', () => {
    for (const base of [0, 0x40000000, 0x80000000, 0xfffff800]) {
      for (let nr = base; nr < base + 2048; nr++) {
        const call = { arch: AUDIT[arch], number: nr, args: [0n, 0n, 0n, 0n, 0n, 0n] };
        expect([nr, runFilter(program, call)]).toEqual([nr, expected(arch, call)]);
      }
    }
  });

  it('kills a program that calls as another architecture, whatever it calls', () => {
    const foreign = fc.oneof(fc.constantFrom(...Object.values(AUDIT)), u32).filter((value) => value !== AUDIT[arch]);
    fc.assert(
      fc.property(foreign, number, sixArguments, (other, nr, args) => {
        expect(runFilter(program, { arch: other, number: nr, args })).toBe(KILL);
      }),
    );
  });

  it('refuses more where a watchdog keeps the limits', () => {
    const watched = seccompProgram(arch, WATCHED_POLICY);
    const numbers = { x64: [29, 64, 68, 203], arm64: [194, 190, 186, 122] }[arch];
    const ask = (filter: Buffer): number[] =>
      numbers.map((nr) => runFilter(filter, { arch: AUDIT[arch], number: nr, args: [0n, 0n, 0n, 0n, 0n, 0n] }));
    expect(ask(program)).toEqual([ALLOW, ALLOW, ALLOW, ALLOW]);
    expect(ask(watched)).toEqual([ENOSYS, ENOSYS, ENOSYS, EPERM]);
  });

  it('is an array of 8-byte instructions, within what the kernel takes', () => {
    expect(program.length % 8).toBe(0);
    expect(program.length / 8).toBeLessThanOrEqual(4096);
  });
});

describe('the seccomp program of any policy', () => {
  const rule = (nr: number, rest: Partial<SyscallRule> = {}): SyscallRule => ({
    name: `call ${nr}`,
    number: { x64: nr, arm64: nr },
    errno: 'EPERM',
    ...rest,
  });
  const ask = (program: Buffer, nr: number, first = 0n) =>
    runFilter(program, { arch: AUDIT.arm64, number: nr, args: [first, 0n, 0n, 0n, 0n, 0n] });

  it('reaches every rule of a policy far longer than a jump', () => {
    const program = seccompProgram(
      'arm64',
      Array.from({ length: 1000 }, (_, index) => rule(index * 2, { errno: index % 3 ? 'EPERM' : 'ENOSYS' })),
    );
    for (let nr = 0; nr < 2000; nr += 2) {
      expect([nr, ask(program, nr)]).toEqual([nr, nr % 3 ? EPERM : ENOSYS]);
      expect([nr + 1, ask(program, nr + 1)]).toEqual([nr + 1, ALLOW]);
    }
  });

  it('goes on where one of several rules for a call does not hold', () => {
    const program = seccompProgram('arm64', [
      rule(1, { errno: 'ENOSYS', when: [{ argument: 0, oneOf: [3] }] }),
      rule(2),
      rule(1, { when: [{ argument: 0, oneOf: [3, 4] }] }),
    ]);
    expect([2n, 3n, 4n].map((first) => ask(program, 1, first))).toEqual([ALLOW, ENOSYS, EPERM]);
  });

  it('compares with many values of one argument', () => {
    const values = Array.from({ length: 250 }, (_, index) => index * 2);
    const program = seccompProgram('arm64', [
      rule(1, { when: [{ argument: 0, oneOf: values }] }),
      rule(2, { when: [{ argument: 0, noneOf: values }] }),
    ]);
    for (let value = 0; value < 500; value++) {
      expect([value, ask(program, 1, BigInt(value))]).toEqual([value, value % 2 ? ALLOW : EPERM]);
      expect([value, ask(program, 2, BigInt(value))]).toEqual([value, value % 2 ? EPERM : ALLOW]);
    }
  });

  it('refuses where all of several tests hold, whatever halves of a pointer are zero', () => {
    const program = seccompProgram('arm64', [
      rule(1, {
        when: [
          { argument: 0, oneOf: [3, 4] },
          { argument: 1, present: true },
          { argument: 2, noneOf: [5, 6] },
          { argument: 3, anyBitOf: 8 },
        ],
      }),
    ]);
    const four = fc.tuple(
      fc.bigInt(2n, 5n),
      fc.constantFrom(0n, 1n, 1n << 32n, 1n << 63n),
      fc.bigInt(4n, 7n),
      fc.bigInt(0n, 15n),
    );
    fc.assert(
      fc.property(four, ([a, b, c, d]) => {
        const holds = (a === 3n || a === 4n) && b !== 0n && c !== 5n && c !== 6n && (d & 8n) !== 0n;
        const call = { arch: AUDIT.arm64, number: 1, args: [a, b, c, d, 0n, 0n] };
        expect(runFilter(program, call)).toBe(holds ? EPERM : ALLOW);
      }),
      { numRuns: 2000 },
    );
  });

  it('refuses more values than a jump can span, rather than jump elsewhere', () => {
    const values = Array.from({ length: 300 }, (_, index) => index);
    expect(() => seccompProgram('arm64', [rule(1, { when: [{ argument: 0, oneOf: values }] })])).toThrow(
      'It must be >= 0 and <= 255',
    );
  });
});
