import fc from 'fast-check';
import { macosProfile, type ProfilePaths } from './profile.js';
import { decisions, paths } from './test/decisions.js';
import { Evaluator, precedences } from './test/evaluate.js';
import { isList, parseProfile, wordOf, type Expression } from './test/sexpr.js';

const { text, parameters } = macosProfile(paths);

/** Named in published profiles, or in the table of operations of the Apple Sandbox Guide 1.0. */
const OPERATIONS = new Set(
  `default file-ioctl file-map-executable file-read* file-read-data file-read-metadata file-write-create file-write-data file-write-flags
   file-write-mode file-write-owner file-write-times file-write-unlink file-write-xattr iokit-get-properties ipc-posix-sem mach-lookup
   network-bind network-outbound nvram* process-exec process-fork process-info* signal sysctl-read system-socket`.split(
    /\s+/,
  ),
);

describe('of a sandbox on macOS', () => {
  const evaluator = new Evaluator(text, parameters);

  test('at least 60 decisions are on record, none twice, each with where it is from', () => {
    expect(decisions.length).toBeGreaterThanOrEqual(60);
    expect(new Set(decisions.map(({ request }) => JSON.stringify(request))).size).toBe(decisions.length);
    expect(decisions.filter(({ source }) => source.length < 20)).toEqual([]);
  });

  describe.each(precedences)('if what wins is the %s of several rules', (precedence) => {
    test.each(decisions.map((row) => [row.expected, JSON.stringify(row.request), row.because, row] as const))(
      '%s %s: %s',
      (expected, _request, _because, row) => {
        expect(evaluator.decide(row.request, precedence)).toBe(expected);
      },
    );
  });
});

describe('the text', () => {
  const forms = parseProfile(text);

  test('denies by default, before anything else', () => {
    expect(forms[0]).toEqual([{ word: 'version' }, { word: '1' }]);
    expect(forms[1]).toEqual([{ word: 'deny' }, { word: 'default' }]);
  });

  test('has only operations that published profiles have: an unknown one would make it no profile', () => {
    const operations = forms.slice(1).flatMap((form) => {
      const [, ...rest] = isList(form) ? form : [];
      return rest.filter((each) => !isList(each)).map(wordOf);
    });
    expect(operations.filter((operation) => !OPERATIONS.has(operation))).toEqual([]);
  });

  test('is plain ASCII, of which no compiler of profiles can make something else', () => {
    expect(text).toMatch(/^[\n\x20-\x7e]+$/);
  });

  test('allows nothing of the network', () => {
    expect(text).not.toMatch(/\bip "|network\*|network-inbound|AF_INET/);
  });

  test('denies nothing after it allowed something, so that no order of rules matters', () => {
    const actions = forms.slice(1).map((form) => (isList(form) ? wordOf(form[0]) : ''));
    expect(actions.join(' ')).toMatch(/^(deny )+(allow )*allow$/);
  });

  test('uses each parameter that is given, and is given each that it uses', () => {
    expect(new Set(usedParameters(forms))).toEqual(new Set(parameters.keys()));
  });
});

/** Whatever a folder may be called, but for what no path can hold. */
const name = fc
  .oneof(
    fc.constantFrom(
      '"',
      "'",
      ') (allow default) (',
      '\n',
      '\\',
      '#"',
      'ü',
      '🦆',
      '(param "HOME_FOLDER")',
      ' ',
      ';',
      '$(id)',
      '-D',
      '=',
      '..x',
    ),
    fc.string({ unit: 'binary', minLength: 1, maxLength: 20 }),
  )
  .filter((part) => !/[/\0]/.test(part) && part !== '.' && part !== '..');
const path = fc.array(name, { minLength: 1, maxLength: 4 }).map((parts) => `/${parts.join('/')}`);
const anyPaths: fc.Arbitrary<ProfilePaths> = fc.record({
  solution: path,
  workspace: path,
  output: path,
  home: path,
  temporary: path,
  runtimes: fc.array(path, { maxLength: 3 }),
  executables: fc.array(path, { maxLength: 2 }),
  links: fc.array(path, { maxLength: 2 }),
});

describe('whatever folders are called', () => {
  test('the text has the same forms: no path is ever in it', () => {
    fc.assert(
      fc.property(anyPaths, (any) => {
        const profile = macosProfile(any);
        const plain = macosProfile(renamed(any));
        const shape = (profileText: string): string =>
          profileText.replace(/\n {2}\(literal \(param "ANCESTOR_\d+"\)\)/g, '');
        expect(shape(profile.text)).toBe(shape(plain.text));
        const used = usedParameters(parseProfile(profile.text));
        expect(new Set(used)).toEqual(new Set(profile.parameters.keys()));
      }),
    );
  });

  test('it is the named folder that can be written, and not its neighbour', () => {
    fc.assert(
      fc.property(anyPaths, (any) => {
        const profile = macosProfile(any);
        const evaluator = new Evaluator(profile.text, profile.parameters);
        const own = [any.workspace, any.output, any.home, any.temporary];
        const write = (target: string): string =>
          evaluator.decide({ operation: 'file-write-create', path: target }, 'last');
        expect(write(`${any.workspace}/file`)).toBe('allow');
        const neighbour = `${any.workspace}-other/file`;
        expect(write(neighbour)).toBe(own.some((folder) => neighbour.startsWith(`${folder}/`)) ? 'allow' : 'deny');
      }),
    );
  });
});

test.each(['', '/', 'relative', '/a/../b', '/a/./b', '/a//b', '/a/', '/a\0b'])(
  'a path that is not a real one is refused: %j',
  (wrong) => {
    expect(() => macosProfile({ ...paths, workspace: wrong })).toThrow(
      expect.objectContaining({ code: 'SANDBOX008' }) as Error,
    );
  },
);

function usedParameters(expressions: readonly Expression[]): string[] {
  return expressions.flatMap((each) => {
    if (!isList(each)) return [];
    const [head, key] = each;
    if (head !== undefined && 'word' in head && head.word === 'param' && key !== undefined && 'text' in key)
      return [key.text];
    return usedParameters(each);
  });
}

/** The same set of folders under plain names. */
function renamed(any: ProfilePaths): ProfilePaths {
  const plain = (count: number, word: string): string[] =>
    Array.from({ length: count }, (_, index) => `/${word}${index}`);
  return {
    ...paths,
    runtimes: plain(any.runtimes.length, 'runtime'),
    executables: plain(any.executables.length, 'executable'),
    links: plain(any.links.length, 'link'),
  };
}
