/**
 * The largest index up to `index` at which bytes of UTF-8 can be cut without parting a character: `index` itself, or up to three
 * less. What is not UTF-8 may be cut anywhere: each part decodes to as many U+FFFD as before.
 */
export function characterBoundary(bytes: Uint8Array, index: number): number {
  if (!isContinuation(bytes[index])) return index;
  for (let back = 1; back <= 3 && back <= index; back++) {
    const byte = bytes[index - back] ?? 0;
    if (isContinuation(byte)) continue;
    return encodedLength(byte) > back ? index - back : index;
  }
  return index;
}

function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80;
}

/** Of the character that this byte begins. */
function encodedLength(lead: number): number {
  if (lead >= 0xf0) return 4;
  if (lead >= 0xe0) return 3;
  return lead >= 0xc0 ? 2 : 1;
}
