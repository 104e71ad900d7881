import { answer, compare, encode, load, type BpfInstruction } from './bpf.js';
import { SECCOMP_POLICY, type ArgumentTest, type SeccompArch, type SyscallRule } from './policy.js';

/** AUDIT_ARCH_X86_64 and AUDIT_ARCH_AARCH64 of the kernel's `linux/audit.h`. */
const AUDIT_ARCH: Readonly<Record<SeccompArch, number>> = { x64: 0xc000003e, arm64: 0xc00000b7 };

/** Offsets in `struct seccomp_data` (`linux/seccomp.h`); an argument's low half comes first on a little-endian machine. */
const NUMBER = 0;
const ARCH = 4;
const lowHalfOfArgument = (index: number) => 16 + index * 8;

/** SECCOMP_RET_*; an errno lies in the low 16 bits. EPERM and ENOSYS are 1 and 38 on both architectures. */
const ALLOW = 0x7fff0000;
const KILL_PROCESS = 0x80000000;
const FAIL = { EPERM: 0x00050000 | 1, ENOSYS: 0x00050000 | 38 };

/**
 * The seccomp filter of a sandboxed program: an array of `struct sock_filter`, little-endian, as `bwrap --seccomp FD` reads it.
 * A program of another architecture (32 bits on a 64-bit kernel) is killed with SIGSYS; what `policy.ts` lists fails with its errno.
 *
 * x64 is tested on a kernel. arm64 is tested with an interpreter of BPF only: no arm64 machine has loaded it yet.
 */
export function seccompProgram(arch: SeccompArch, policy: readonly SyscallRule[] = SECCOMP_POLICY): Buffer {
  return assemble(arch, policy);
}

/**
 * Makes the program of any policy. Rules are compared one after another and each ends with an answer of its own, so that no jump
 * leaves its rule: a program may be as long as the kernel takes (4,096 instructions). One rule may compare with about 250 values;
 * throws a RangeError beyond.
 */
export function assemble(arch: SeccompArch, policy: readonly SyscallRule[]): Buffer {
  return encode([
    load(ARCH),
    compare('ifEqual', AUDIT_ARCH[arch], { jt: 1 }),
    answer(KILL_PROCESS),
    load(NUMBER),
    ...(arch === 'x64' ? refuseX32 : []),
    ...policy.flatMap((rule) => refuse(rule, rule.number[arch])),
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

function refuse({ errno, when }: SyscallRule, number: number | null): BpfInstruction[] {
  if (number === null) return [];
  const body = when ? refuseIf(when, FAIL[errno]) : [answer(FAIL[errno])];
  return [compare('ifEqual', number, { jf: body.length }), ...body];
}

function refuseIf(test: ArgumentTest, fail: number): BpfInstruction[] {
  const argument = load(lowHalfOfArgument(test.argument));
  if ('anyBitOf' in test) return [argument, compare('ifAnyBit', test.anyBitOf, { jf: 1 }), answer(fail), answer(ALLOW)];
  const [values, match, otherwise] = 'oneOf' in test ? [test.oneOf, fail, ALLOW] : [test.noneOf, ALLOW, fail];
  // A match skips the comparisons that are left and the answer for no match.
  const comparisons = values.map((value, index) => compare('ifEqual', value, { jt: values.length - index }));
  return [argument, ...comparisons, answer(otherwise), answer(match)];
}
