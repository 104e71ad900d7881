/** A word that a POSIX shell reads as exactly this text, on one line: `$1` holds a newline there. */
export function quote(word: string): string {
  return `'${word.replaceAll("'", `'\\''`).replaceAll('\n', `'"$1"'`)}'`;
}

export function commandLine(words: readonly string[]): string {
  return words.map(quote).join(' ');
}
