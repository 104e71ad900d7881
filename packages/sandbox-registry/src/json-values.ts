/**
 * True where JSON has more values than `limit`, at any depth. To be asked before it is parsed, because parsing millions of small values
 * holds the event loop for seconds. Counts an empty list or object as two.
 */
export function hasMoreValues(json: Uint8Array, limit: number): boolean {
  let values = 1;
  for (let at = 0; at < json.length && values <= limit; at += 1) {
    const byte = json[at];
    if (byte === code.comma || byte === code.bracket || byte === code.brace) values += 1;
    else if (byte === code.quote) at = endOfText(json, at);
  }
  return values > limit;
}

/** Where the text ends that begins at `at`. */
function endOfText(json: Uint8Array, at: number): number {
  let end = at + 1;
  while (end < json.length && json[end] !== code.quote) end += json[end] === code.backslash ? 2 : 1;
  return end;
}

const code = { quote: 0x22, comma: 0x2c, bracket: 0x5b, backslash: 0x5c, brace: 0x7b } as const;
