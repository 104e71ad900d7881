/** What a filter is asked about: `struct seccomp_data` of the kernel. */
export interface SeccompData {
  readonly arch: number;
  readonly number: number;
  /** Six, of 64 bits each. */
  readonly args: readonly bigint[];
}

/**
 * Runs a filter as the kernel would and returns its 32-bit answer. Written from `linux/filter.h` and the kernel's documentation of
 * classic BPF, for little-endian machines. Throws for what the kernel's checker refuses on load: an unknown code, a jump beyond
 * the end, a load out of bounds or unaligned, an end without an answer.
 */
export function runFilter(program: Buffer, { arch, number, args }: SeccompData): number {
  const input = Buffer.alloc(64);
  input.writeUInt32LE(number, 0);
  input.writeUInt32LE(arch, 4);
  args.forEach((value, index) => input.writeBigUInt64LE(value, 16 + index * 8));

  let accumulator = 0;
  for (let at = 0; at < program.length; at += 8) {
    const code = program.readUInt16LE(at);
    const jt = program.readUInt8(at + 2);
    const jf = program.readUInt8(at + 3);
    const k = program.readUInt32LE(at + 4);
    const jump = (holds: boolean) => (at += (holds ? jt : jf) * 8);
    switch (code) {
      case 0x20:
        if (k % 4 !== 0 || k > 60) throw new Error(`Instruction ${at / 8} loads from offset ${k}`);
        accumulator = input.readUInt32LE(k);
        break;
      case 0x54:
        accumulator = (accumulator & k) >>> 0;
        break;
      case 0x05:
        at += k * 8;
        break;
      case 0x15:
        jump(accumulator === k);
        break;
      case 0x25:
        jump(accumulator > k);
        break;
      case 0x35:
        jump(accumulator >= k);
        break;
      case 0x45:
        jump((accumulator & k) !== 0);
        break;
      case 0x06:
        return k;
      default:
        throw new Error(`Instruction ${at / 8} has the unknown code 0x${code.toString(16)}`);
    }
  }
  throw new Error('The program ends without an answer');
}
