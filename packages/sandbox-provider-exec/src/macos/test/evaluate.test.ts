import { Evaluator, precedences, type Request } from './evaluate.js';
import { parseProfile } from './sexpr.js';

/** Behaviour that others saw on a Mac, or rely on: the model has to have it too. */
describe('the model of Seatbelt that tests use', () => {
  test.each(precedences)('gives what Chromium sees in sandbox_compiler_unittest.cc (%s)', (precedence) => {
    const profile =
      '(version 1) (deny default (with no-log)) (allow file-read-data file-read-metadata (literal (param "URANDOM")))';
    const evaluator = new Evaluator(profile, new Map([['URANDOM', '/dev/urandom']]));
    const decide = (operation: string, path: string): string => evaluator.decide({ operation, path }, precedence);
    expect(decide('file-read-data', '/dev/urandom')).toBe('allow');
    expect(decide('file-read-metadata', '/')).toBe('deny');
    expect(decide('file-write-data', '/dev/urandom')).toBe('deny');
  });

  test.each(precedences)('gives what the design document of Chromium says of subpath (%s)', (precedence) => {
    const evaluator = new Evaluator('(deny default) (allow file-read* (subpath "/path"))');
    const read = (path: string): string => evaluator.decide({ operation: 'file-read-data', path }, precedence);
    expect([read('/path'), read('/path/foo'), read('/pathfoo'), read('/')]).toEqual(['allow', 'allow', 'deny', 'deny']);
  });

  test('lets the last of several rules win, as Bazel notes', () => {
    const profile =
      '(allow default) (deny file-write*) (allow file-write* (subpath "/out")) (deny file-write* (subpath "/out/no"))';
    const evaluator = new Evaluator(profile);
    const write = (path: string): string => evaluator.decide({ operation: 'file-write-data', path }, 'last');
    expect([write('/else'), write('/out/a'), write('/out/no/a')]).toEqual(['deny', 'allow', 'deny']);
  });

  test('lets a rule with a filter win over one without that follows, as the profile of Homebrew needs', () => {
    const evaluator = new Evaluator('(allow file-write* (subpath "/cellar")) (deny file-write*) (allow default)');
    const write = (path: string): string => evaluator.decide({ operation: 'file-write-data', path }, 'filtered');
    expect([write('/cellar/a'), write('/else')]).toEqual(['allow', 'deny']);
  });

  test('lets the narrower operation win, as the profile of Nix needs', () => {
    const evaluator = new Evaluator('(deny default) (deny file-write-setugid) (allow file* (subpath "/build"))');
    const decide = (operation: string): string => evaluator.decide({ operation, path: '/build/a' }, 'narrow');
    expect([decide('file-write-data'), decide('file-write-setugid')]).toEqual(['allow', 'deny']);
  });

  test('allows what Chromium found to be allowed by default', () => {
    const request: Request = { operation: 'process-info-pidinfo', target: 'others' };
    expect(new Evaluator('(deny default)').decide(request, 'last')).toBe('allow');
    expect(new Evaluator('(deny default) (deny process-info*)').decide(request, 'last')).toBe('deny');
  });

  test('knows no host but localhost and *, as the compiler of profiles', () => {
    const rule = (host: string): string => `(deny default) (allow network-outbound (remote ip "${host}:443"))`;
    const to = (profile: string, ip: string): string =>
      new Evaluator(profile).decide({ operation: 'network-outbound', remote: { ip } }, 'last');
    expect(to(rule('localhost'), '127.0.0.1:443')).toBe('allow');
    expect(to(rule('localhost'), '1.1.1.1:443')).toBe('deny');
    expect(to(rule('*'), '1.1.1.1:443')).toBe('allow');
    expect(() => to(rule('1.1.1.1'), '1.1.1.1:443')).toThrow('host must be * or localhost in network address');
  });

  test.each([
    '(allow file-read* (magic "x"))',
    '(import "system.sb")',
    '(allow file-read* (subpath (string-append "a" "b")))',
  ])('refuses what it does not know: %s', (profile) => {
    expect(() => new Evaluator(profile).decide({ operation: 'file-read-data', path: '/' }, 'last')).toThrow(
      'Not modelled',
    );
  });
});

describe('reading a profile', () => {
  test('words, texts with quotes, regular expressions, lists and comments', () => {
    expect(parseProfile('(allow a* (b "x\\"y\\\\") (regex #"^/\\.x")) ; (deny\n(c)')).toEqual([
      [{ word: 'allow' }, { word: 'a*' }, [{ word: 'b' }, { text: 'x"y\\' }], [{ word: 'regex' }, { text: '^/\\.x' }]],
      [{ word: 'c' }],
    ]);
  });

  test.each(['(allow', 'allow)', '(a "b)', ')(', '#'])('refuses what is none: %s', (text) => {
    expect(() => parseProfile(text)).toThrow('This is no profile');
  });
});
