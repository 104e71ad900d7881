/** What a terminal would take for a command to itself, or for another line. */
// eslint-disable-next-line no-control-regex
const controls = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

/** Text from elsewhere, fit for one line of a terminal. */
export function plain(text: string): string {
  return text.replace(controls, '\u{fffd}');
}

const colours = { red: 31, green: 32, yellow: 33, dim: 2, bold: 1 } as const;
export type Paint = (colour: keyof typeof colours, text: string) => string;

/** Colours for a stream: none where it is no terminal, or NO_COLOR is set (no-color.org), or the terminal is dumb. */
export function paintFor(stream: { readonly isTTY?: boolean }): Paint {
  const { NO_COLOR, TERM } = process.env;
  const coloured = stream.isTTY === true && (NO_COLOR ?? '') === '' && TERM !== 'dumb';
  return (colour, text) => (coloured ? `\u001b[${colours[colour]}m${text}\u001b[0m` : text);
}

/** Our own words, on stderr, so that stdout holds nothing but what was asked for. */
export function say(text: string, colour: keyof typeof colours = 'dim'): void {
  process.stderr.write(`${paintFor(process.stderr)(colour, `ergon-sandbox: ${text}`)}\n`);
}

/** A failure and what to do about it. */
export function complain(sentence: string, hint: string | null = null): void {
  say(sentence, 'red');
  if (hint !== null) process.stderr.write(`  ${hint}\n`);
}
