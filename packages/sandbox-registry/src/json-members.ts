/**
 * The members of a JSON object by name, each value as its text, so that what is stored again is the same to the last digit: numbers read by
 * JSON.parse are not. Of two of one name the last holds, as there.
 * @param json an object, in valid JSON
 */
export function membersOf(json: string): Map<string, string> {
  const members = new Map<string, string>();
  let name: string | null = null;
  let begin = 0;
  let depth = 0;
  for (let at = 0; at < json.length; at += 1) {
    const character = json[at];
    if (character === '"') {
      const end = endOfText(json, at);
      // In the object itself, what is no value yet is a name.
      if (depth === 1 && name === null) {
        name = JSON.parse(json.slice(at, end + 1)) as string;
        begin = json.indexOf(':', end) + 1;
        at = begin - 1;
      } else at = end;
    } else if (character === '{' || character === '[') depth += 1;
    else if (character === '}' || character === ']' || (character === ',' && depth === 1)) {
      if (depth === 1 && name !== null) members.set(name, json.slice(begin, at).trim());
      if (depth === 1) name = null;
      if (character !== ',') depth -= 1;
    }
  }
  return members;
}

/** The object that has these members. */
export function objectOf(members: ReadonlyMap<string, string>): string {
  return `{${[...members].map(([name, value]) => `${JSON.stringify(name)}:${value}`).join(',')}}`;
}

function endOfText(json: string, begin: number): number {
  let end = json.indexOf('"', begin + 1);
  while (isEscaped(json, end)) end = json.indexOf('"', end + 1);
  return end;
}

function isEscaped(json: string, at: number): boolean {
  let backslashes = 0;
  while (json[at - 1 - backslashes] === '\\') backslashes += 1;
  return backslashes % 2 === 1;
}
