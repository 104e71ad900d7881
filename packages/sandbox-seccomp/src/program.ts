import { answer, compare, encode, load, type BpfInstruction } from './bpf.js';
import { SECCOMP_POLICY, type ArgumentTest, type SeccompArch, type SyscallRule } from './policy.js';

/** AUDIT_ARCH_X86_64 and AUDIT_ARCH_AARCH64 of the kernel's `linux/audit.h`. */
const AUDIT_ARCH: Readonly<Record<SeccompArch, number>> = { x64: 0xc000003e, arm64: 0xc00000b7 };

/** Offsets in `struct seccomp_data` (`linux/seccomp.h`); an argument's low half comes first on a little-endian machine. */
const NUMBER = 0;
const ARCH = 4;
const lowHalfOfArgument = (index: number) => 16 + index * 8;
const highHalfOfArgument = (index: number) => 20 + index * 8;

/** SECCOMP_RET_*; an errno lies in the low 16 bits, where 0 is success. EPERM and ENOSYS are 1 and 38 on both architectures. */
const ALLOW = 0x7fff0000;
const KILL_PROCESS = 0x80000000;
const SUCCEED = 0x00050000;
const FAIL = { EPERM: SUCCEED | 1, ENOSYS: SUCCEED | 38 };

/**
 * The seccomp filter of a sandboxed program: an array of `struct sock_filter`, little-endian, as `bwrap --seccomp FD` reads it.
 * A program of another architecture (32 bits on a 64-bit kernel) is killed with SIGSYS; what the policy lists has no effect.
 *
 * Rules are compared one after another, the first that holds answers, and no jump leaves its rule: a program may be as long as the
 * kernel takes (4,096 instructions). One rule may compare with about 250 values; throws a RangeError (`ERR_OUT_OF_RANGE`) beyond.
 *
 * x64 is tested on a kernel. arm64 is tested with an interpreter of BPF only: no arm64 machine has loaded it yet.
 */
export function seccompProgram(arch: SeccompArch, policy: readonly SyscallRule[] = SECCOMP_POLICY): Buffer {
  return encode([
    load(ARCH),
    compare('ifEqual', AUDIT_ARCH[arch], { jt: 1 }),
    answer(KILL_PROCESS),
    load(NUMBER),
    ...(arch === 'x64' ? refuseX32 : []),
    ...policy.flatMap((rule, index) => {
      const number = rule.number[arch];
      const more = policy.slice(index + 1).some((later) => later.number[arch] === number);
      return refuse(rule, number, more ? load(NUMBER) : answer(ALLOW));
    }),
    answer(ALLOW),
  ]);
}

/**
 * x32 calls carry the same architecture as x64 ones: they are told by bit 30 of the number, and by the numbers 512 to 547, which
 * kernels before 5.4 took without that bit too.
 */
const refuseX32: readonly BpfInstruction[] = [
  compare('ifAtLeast', 0x40000000, { jt: 2 }),
  compare('ifAtLeast', 512, { jf: 2 }),
  compare('ifAtLeast', 548, { jt: 1 }),
  answer(FAIL.ENOSYS),
];

/** Where the number is the rule's but its tests do not hold, it goes on with `otherwise`. */
function refuse({ errno, when = [] }: SyscallRule, number: number | null, otherwise: BpfInstruction): BpfInstruction[] {
  if (number === null) return [];
  const refusal = [answer(errno === null ? SUCCEED : FAIL[errno])];
  // Each test goes on to the next, or jumps to the last instruction.
  const body = when.reduceRight<BpfInstruction[]>(
    (rest, test) => [...unless(test, rest.length - 1), ...rest],
    when.length > 0 ? [...refusal, otherwise] : refusal,
  );
  return [compare('ifEqual', number, { jf: body.length }), ...body];
}

/** Goes on where the test holds; else skips `skipped` instructions after its own. */
function unless(test: ArgumentTest, skipped: number): BpfInstruction[] {
  const low = load(lowHalfOfArgument(test.argument));
  if ('anyBitOf' in test) return [low, compare('ifAnyBit', test.anyBitOf, { jf: skipped })];
  if ('present' in test) {
    const high = load(highHalfOfArgument(test.argument));
    return [low, compare('ifEqual', 0, { jf: 2 }), high, compare('ifEqual', 0, { jt: skipped })];
  }
  const values = 'oneOf' in test ? test.oneOf : test.noneOf;
  const comparisons = values.map((value, index) => {
    const left = values.length - 1 - index;
    if ('noneOf' in test) return compare('ifEqual', value, { jt: left + skipped });
    return compare('ifEqual', value, { jt: left, jf: left === 0 ? skipped : 0 });
  });
  return [low, ...comparisons];
}
