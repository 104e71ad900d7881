/** An expression of a profile: a word, a string, or a list of them. */
export type Expression = Word | Text | readonly Expression[];
export interface Word {
  readonly word: string;
}
export interface Text {
  readonly text: string;
}

export function isList(expression: Expression | undefined): expression is readonly Expression[] {
  return Array.isArray(expression);
}
export function wordOf(expression: Expression | undefined): string {
  if (expression !== undefined && 'word' in expression) return expression.word;
  throw new Error(`Not a word: ${JSON.stringify(expression)}`);
}

/** Comment, parenthesis, string, regular expression (in which a backslash is itself), word. */
const TOKEN = /\s+|;[^\n]*|([()])|"((?:[^"\\]|\\[^])*)"|#"([^"]*)"|([^\s()";#]+)/y;

/** Reads a profile as the Scheme that it is. @throws Error where it is none */
export function parseProfile(profile: string): Expression[] {
  const open: Expression[][] = [[]];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < profile.length) {
    const at = TOKEN.lastIndex;
    const [, parenthesis, text, regex, word] = TOKEN.exec(profile) ?? fail(profile, at);
    const list = open.at(-1) ?? fail(profile, at);
    if (parenthesis === '(') open.push([]);
    else if (parenthesis === ')') {
      open.pop();
      (open.at(-1) ?? fail(profile, at)).push(list);
    } else if (text !== undefined) list.push({ text: text.replace(/\\([^])/g, '$1') });
    else if (regex !== undefined) list.push({ text: regex });
    else if (word !== undefined) list.push({ word });
  }
  const [whole = [], ...unclosed] = open;
  if (unclosed.length > 0) fail(profile, profile.length);
  return whole;
}

function fail(profile: string, at: number): never {
  throw new Error(`This is no profile, at ${at}: ${JSON.stringify(profile.slice(at, at + 40))}`);
}
