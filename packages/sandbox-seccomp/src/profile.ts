import { SECCOMP_POLICY, type ArgumentTest, type SeccompArch, type SyscallRule } from './policy.js';

/**
 * A seccomp profile as container engines read it (JSON.stringify makes the text): `linux.seccomp` of the OCI runtime specification,
 * and, with `archMap`, the form of Docker's and Podman's own profiles.
 */
export interface ContainerProfile {
  readonly defaultAction: 'SCMP_ACT_ALLOW';
  /** The one that programs may call as. Others are killed with SIGSYS. */
  readonly architectures?: readonly ContainerArch[];
  /** The engine takes the entry of its own machine. */
  readonly archMap?: readonly { readonly architecture: ContainerArch; readonly subArchitectures: readonly [] }[];
  readonly syscalls: readonly ContainerRule[];
}

export type ContainerArch = 'SCMP_ARCH_X86_64' | 'SCMP_ARCH_AARCH64';

/** Calls that answer with an errno, where all conditions hold. An errno of 0 is success without effect. */
export interface ContainerRule {
  readonly names: readonly string[];
  readonly action: 'SCMP_ACT_ERRNO';
  readonly errnoRet: number;
  /** At most one for each argument: runc takes several of one argument as alternatives. */
  readonly args: readonly ArgumentCondition[];
}

/** A comparison of all 64 bits of an argument. `SCMP_CMP_MASKED_EQ`: `(argument & value) === valueTwo`. `SCMP_CMP_NE`: `argument !== value`. */
export interface ArgumentCondition {
  readonly index: ArgumentTest['argument'];
  readonly value: number;
  readonly valueTwo: number;
  readonly op: 'SCMP_CMP_MASKED_EQ' | 'SCMP_CMP_NE';
}

const CONTAINER_ARCH: Readonly<Record<SeccompArch, ContainerArch>> = {
  x64: 'SCMP_ARCH_X86_64',
  arm64: 'SCMP_ARCH_AARCH64',
};
const ERRNO = { EPERM: 1, ENOSYS: 38 };

/**
 * The profile of a sandboxed program in a container: `SecurityOpt: ['seccomp=' + JSON.stringify(containerProfile())]` for Docker from
 * API 1.41 on. Says the same of every call as `seccompProgram`, but:
 *
 * - x32 calls are killed with SIGSYS like those of other architectures; there they fail with ENOSYS. Numbers 512 to 547, x32's on kernels
 *   before 5.4, can't be named, and go to the kernel.
 * - a call of another architecture ends the thread, not the process, if there are several threads.
 * - a call that the engine's libseccomp is too old to know is left out by runc, and so allowed: with 2.5 statmount, listmount and
 *   open_tree_attr, which tell a container without capabilities no more than `/proc/self/mountinfo`.
 *
 * With `arch` it is for that machine alone and in the OCI form; without, an engine of either architecture takes it.
 *
 * Throws a RangeError for a rule that tests one argument twice, which a profile can't say.
 */
export function containerProfile(
  arch?: SeccompArch,
  policy: readonly SyscallRule[] = SECCOMP_POLICY,
): ContainerProfile {
  const rules = arch === undefined ? policy : policy.filter(({ number }) => number[arch] !== null);
  return {
    defaultAction: 'SCMP_ACT_ALLOW',
    ...(arch === undefined
      ? { archMap: Object.values(CONTAINER_ARCH).map((architecture) => ({ architecture, subArchitectures: [] })) }
      : { architectures: [CONTAINER_ARCH[arch]] }),
    syscalls: [...alike(rules).values()].flatMap(containerRules),
  };
}

/** Rules that differ in the call only, together. */
function alike(rules: readonly SyscallRule[]): Map<string, [SyscallRule, ...SyscallRule[]]> {
  const groups = new Map<string, [SyscallRule, ...SyscallRule[]]>();
  for (const rule of rules) {
    const key = JSON.stringify([rule.errno, rule.when]);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [rule]);
    else group.push(rule);
  }
  return groups;
}

/** Several, of which at most one holds: a profile knows "and" of arguments, but "or" only as rules. */
function containerRules(rules: readonly [SyscallRule, ...SyscallRule[]]): ContainerRule[] {
  const [{ errno, when = [] }] = rules;
  if (new Set(when.map(({ argument }) => argument)).size < when.length) {
    throw new RangeError(`A rule for ${rules[0].name} tests one argument twice, which no container profile can say.`);
  }
  const combinations = when.reduce<ArgumentCondition[][]>(
    (begun, test) => begun.flatMap((args) => alternatives(test).map((condition) => [...args, condition])),
    [[]],
  );
  return combinations.map((args) => ({
    names: rules.map(({ name }) => name),
    action: 'SCMP_ACT_ERRNO',
    errnoRet: errno === null ? 0 : ERRNO[errno],
    args,
  }));
}

/** Conditions of which exactly one holds where the test does. All but `present` look at the low 32 bits only, as the test does. */
function alternatives(test: ArgumentTest): ArgumentCondition[] {
  const index = test.argument;
  if ('present' in test) return [{ index, value: 0, valueTwo: 0, op: 'SCMP_CMP_NE' }];
  const blocks =
    'anyBitOf' in test
      ? lowestBits(test.anyBitOf)
      : 'oneOf' in test
        ? test.oneOf.map((bits) => ({ mask: 0xffffffff, bits }))
        : blocksWithout(test.noneOf);
  return blocks.map(({ mask, bits }) => ({ index, value: mask, valueTwo: bits, op: 'SCMP_CMP_MASKED_EQ' }));
}

/** The numbers of 32 bits that have just `bits` under `mask`. */
interface Block {
  readonly mask: number;
  readonly bits: number;
}

/** All numbers with any of some bits, by the lowest that they have. */
function lowestBits(some: number): Block[] {
  const each = Array.from({ length: 32 }, (_, bit) => 2 ** bit).filter((bit) => (some & bit) !== 0);
  return each.map((bits) => ({ mask: (some & (bits * 2 - 1)) >>> 0, bits }));
}

/** All numbers but `values`, in as few blocks as begin with the same bits, as networks are split into prefixes. */
function blocksWithout(values: readonly number[], begin: Block = { mask: 0, bits: 0 }, next = 2 ** 31): Block[] {
  const within = values.filter((value) => (value & begin.mask) >>> 0 === begin.bits);
  if (within.length === 0) return [begin];
  if (next < 1) return [];
  const mask = begin.mask + next;
  return [begin.bits, begin.bits + next].flatMap((bits) => blocksWithout(within, { mask, bits }, next / 2));
}
