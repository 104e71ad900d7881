/**
 * One instruction of a classic BPF program: `struct sock_filter` of the kernel's `linux/filter.h`.
 * `jt` and `jf` say how many of the following instructions are skipped if the comparison holds, and if not.
 */
export interface BpfInstruction {
  readonly code: number;
  readonly jt: number;
  readonly jf: number;
  readonly k: number;
}

/** Values of an instruction's `code` (`linux/bpf_common.h`): those that a filter of system calls needs. */
export const BPF_CODE = {
  /** BPF_LD | BPF_W | BPF_ABS: load 32 bits of `struct seccomp_data` at offset k. */
  load: 0x20,
  /** BPF_JMP | BPF_JEQ | BPF_K */
  ifEqual: 0x15,
  /** BPF_JMP | BPF_JGE | BPF_K, without sign */
  ifAtLeast: 0x35,
  /** BPF_JMP | BPF_JSET | BPF_K */
  ifAnyBit: 0x45,
  /** BPF_RET | BPF_K */
  answer: 0x06,
} as const;

export const load = (offset: number): BpfInstruction => ({ code: BPF_CODE.load, jt: 0, jf: 0, k: offset });

export const answer = (action: number): BpfInstruction => ({ code: BPF_CODE.answer, jt: 0, jf: 0, k: action });

/** Compares what was loaded with `value`; skips `jt` instructions if it holds, `jf` if not. */
export function compare(
  test: 'ifEqual' | 'ifAtLeast' | 'ifAnyBit',
  value: number,
  { jt = 0, jf = 0 }: { readonly jt?: number; readonly jf?: number },
): BpfInstruction {
  return { code: BPF_CODE[test], jt, jf, k: value };
}

/**
 * The instructions as the kernel reads them on a little-endian machine, 8 bytes each.
 *
 * Throws a RangeError (`ERR_OUT_OF_RANGE`) for a jump over more than 255 instructions, which the format cannot hold.
 */
export function encode(instructions: readonly BpfInstruction[]): Buffer {
  const bytes = Buffer.alloc(instructions.length * 8);
  instructions.forEach(({ code, jt, jf, k }, index) => {
    bytes.writeUInt16LE(code, index * 8);
    bytes.writeUInt8(jt, index * 8 + 2);
    bytes.writeUInt8(jf, index * 8 + 3);
    bytes.writeUInt32LE(k, index * 8 + 4);
  });
  return bytes;
}
