import fc from 'fast-check';

/** AUDIT_ARCH_* of the kernel's `linux/audit.h`. */
export const AUDIT = { x64: 0xc000003e, arm64: 0xc00000b7, i386: 0x40000003, arm: 0x40000028 };

export const u32 = fc.integer({ min: 0, max: 0xffffffff });
const telling = fc.constantFrom(
  0,
  1,
  2,
  3,
  4,
  5,
  10,
  16,
  17,
  40,
  0x11,
  0x1200011,
  0x3d0f00,
  0x20000,
  0x5411,
  0x5412,
  0x5413,
  0x541c,
  0x10000000,
  0x40000000,
);
const flag = fc.integer({ min: 0, max: 31 }).map((bit) => 2 ** bit);
const near = fc.tuple(telling, flag).map(([value, bit]) => (value ^ bit) >>> 0);
const argument = fc
  .tuple(fc.oneof(telling, flag, near, u32), fc.oneof(fc.constant(0), u32))
  .map(([low, high]) => (BigInt(high) << 32n) | BigInt(low));
/** Numbers of calls, of those most that rules look at. */
export const number = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(16, 29, 41, 53, 56, 160, 164, 198, 199, 220, 261, 302, 435) },
  { weight: 3, arbitrary: fc.integer({ min: 0, max: 600 }) },
  { weight: 1, arbitrary: fc.integer({ min: 0x40000000, max: 0x40000300 }) },
  { weight: 1, arbitrary: u32 },
);
/** Arguments, of those most on the edges of what rules tell apart; with garbage in their upper halves or none. */
export const sixArguments = fc.array(argument, { minLength: 6, maxLength: 6 });
