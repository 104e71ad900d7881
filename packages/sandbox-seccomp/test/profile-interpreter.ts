import { WATCHED_POLICY, type SeccompArch } from '../src/policy.js';
import type { ContainerProfile, ContainerRule } from '../src/profile.js';
import { AUDIT } from './calls.js';
import type { SeccompData } from './bpf-interpreter.js';

/** SECCOMP_RET_KILL_THREAD, SECCOMP_RET_ERRNO and SECCOMP_RET_ALLOW. */
const KILL = 0;
const ERRNO = 0x00050000;
const ALLOW = 0x7fff0000;

const isX32 = (number: number): boolean => number >= 0x40000000 && number < 0xffffffff;

/**
 * What an engine on a machine of that architecture answers to calls under the profile, as a filter's 32-bit answer. Written from the
 * OCI runtime specification, runc and libseccomp 2.5: conditions compare 64 bits without sign, all of a rule have to hold, and foreign
 * architectures are killed, x32 among them (but not -1, which is no call). Throws where the engine's answer would be an accident: two rules hold, or a rule has two
 * conditions on one argument.
 */
export function profileAnswers(profile: ContainerProfile, machine: SeccompArch): (call: SeccompData) => number {
  const rules = new Map<number | null, ((args: readonly bigint[]) => number | null)[]>();
  for (const rule of profile.syscalls) {
    const judge = judgeBy(rule);
    for (const name of rule.names) {
      const number = WATCHED_POLICY.find((listed) => listed.name === name)?.number[machine];
      if (number === undefined) throw new Error(`No call is named ${name}`);
      rules.set(number, [...(rules.get(number) ?? []), judge]);
    }
  }
  return ({ arch, number, args }) => {
    if (arch !== AUDIT[machine] || (machine === 'x64' && isX32(number))) return KILL;
    const answers = (rules.get(number) ?? []).map((judge) => judge(args)).filter((answer) => answer !== null);
    if (answers.length > 1) throw new Error(`${answers.length} rules hold for call ${number} with ${args.join(', ')}`);
    return answers[0] ?? ALLOW;
  };
}

function judgeBy({ names, args: conditions, errnoRet }: ContainerRule): (args: readonly bigint[]) => number | null {
  if (new Set(conditions.map(({ index }) => index)).size < conditions.length) {
    throw new Error(`A rule for ${names.join(', ')} has two conditions on one argument`);
  }
  const tests = conditions.map(({ index, value, valueTwo, op }) => {
    const [first, second] = [BigInt(value), BigInt(valueTwo)];
    return (args: readonly bigint[]): boolean => {
      const argument = args[index] ?? 0n;
      return op === 'SCMP_CMP_NE' ? argument !== first : (argument & first) === second;
    };
  });
  return (args) => (tests.every((holds) => holds(args)) ? ERRNO | errnoRet : null);
}
