/** A word that a POSIX shell reads as exactly this text. */
export function quote(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

export function commandLine(words: readonly string[]): string {
  return words.map(quote).join(' ');
}
