import { mkdtemp, readFile, readdir, rm, stat, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseSolution } from '../src/index.js';
import { SolutionFiles } from '../src/solution/materialise.js';

const parse = (content: Record<string, unknown>): ReturnType<typeof parseSolution> =>
  parseSolution({ id: 'x', name: 'x', version: '1', content });

describe('a solution', () => {
  it.each([
    ['main.py', ['python', 'main.py']],
    ['src/main.js', ['node', 'src/main.js']],
    ['main.mjs', ['node', 'main.mjs']],
    ['run.sh', ['bash', 'run.sh']],
    ['main.rb', null],
  ])('%s runs by %j', (main_file, command) => {
    expect(parse({ code: '1', main_file }).runCommand).toEqual(command);
  });

  it.each([
    ['linux/amd64', 'linux/x64'],
    ['linux/arm64/v8', 'linux/arm64'],
    ['linux/x64', 'linux/x64'],
    ['linux', 'linux'],
    ['any', 'any'],
  ])("its platform %s, which may be by Docker's name, is %s", (platform, known) => {
    expect(parse({ code: '', platform }).platform).toBe(known);
  });

  it('is solution.py by default, and its own run_command goes first', () => {
    expect(parse({ code: 'print(1)' })).toMatchObject({ runCommand: ['python', 'solution.py'] });
    expect(parse({ files: { 'a.c': '' }, run_command: ['make'] }).runCommand).toEqual(['make']);
    expect(parse({ files: { 'a.c': '' } }).runCommand).toBeNull();
  });

  it.each([
    '/etc/passwd',
    '../up.py',
    'a/../../up.py',
    'a//b',
    'a/./b',
    './a',
    'a/',
    'a\\b',
    'a\0b',
    '',
    'x'.repeat(256),
    'half\ud800',
  ])('path %j is refused by name', (path) => {
    expect(() => parse({ files: { [path]: '' } })).toThrow(/content\.files.*must be a relative path without/s);
    expect(() => parse({ code: '', main_file: path })).toThrow(/content\.main_file/);
  });

  it('a name that objects have by birth is a file like any other, but for the one that they drop', () => {
    const parsed = parse({ files: { constructor: 'a', toString: 'b' } });
    expect([...parsed.files.keys()].sort()).toEqual(['constructor', 'toString']);
    for (const field of ['files', 'environment']) {
      const content = JSON.parse(`{"code": "", "${field}": {"__proto__": "a"}}`) as Record<string, unknown>;
      expect(() => parse(content)).toThrow(`content.${field}: must not hold the name "__proto__".`);
    }
  });

  it.each([
    [{}, 'content.files'],
    [{ files: { 'a.py': '' }, main_file: 'main.py' }, 'content.main_file'],
    [{ files: { a: '', 'a/b': '' } }, 'content.files'],
    [{ code: 'x', files: { 'solution.py': 'y' } }, 'content.code'],
    [{ code: 1 }, 'content.code'],
    [{ code: '', run_command: 'python x' }, 'content.run_command'],
    [{ code: '', run_command: [] }, 'content.run_command'],
    [{ code: '', run_command: ['a\0'] }, 'content.run_command'],
    [{ code: '', memory_limit: 5 }, 'content.memory_limit'],
    [{ code: '', timeout: 86_401 }, 'content.timeout'],
    [{ code: '', cpu_limit: 0 }, 'content.cpu_limit'],
    [{ code: '', environment: { A: 1 } }, 'content.environment.A'],
    [{ code: '', requires_gpu: 'yes' }, 'content.requires_gpu'],
    [{ code: '', platform: 7 }, 'content.platform'],
  ])('%j is refused with a sentence that names %s', (content, field) => {
    expect(() => parse(content)).toThrow(
      expect.objectContaining({ code: 'SANDBOX008', message: expect.stringContaining(field) as string }) as Error,
    );
  });
});

describe('its files on disk', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'files-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('are there once per content, readable by every uid, whatever the umask', async () => {
    const umask = process.umask(0o077);
    try {
      const files = new SolutionFiles(folder);
      const content = new Map([
        ['a/b/main.py', 'print(1)'],
        ['run.sh', '#!/bin/sh\n'],
      ]);
      const paths = await Promise.all([files.materialise(content), files.materialise(new Map([...content].reverse()))]);
      expect(new Set(paths).size).toBe(1);
      const [path] = paths;
      expect(await readFile(join(path, 'a/b/main.py'), 'utf8')).toBe('print(1)');
      expect((await stat(join(path, 'a/b'))).mode & 0o777).toBe(0o755);
      expect((await stat(path)).mode & 0o777).toBe(0o755);
      expect((await stat(join(path, 'a/b/main.py'))).mode & 0o777).toBe(0o644);
      expect((await stat(join(path, 'run.sh'))).mode & 0o777).toBe(0o755);
      expect(await readdir(folder)).toHaveLength(1);
    } finally {
      process.umask(umask);
    }
  });

  it('differ when only the place of a text differs', async () => {
    const files = new SolutionFiles(folder);
    const one = await files.materialise(new Map([['ab', 'c']]));
    const two = await files.materialise(new Map([['a', 'bc']]));
    expect(one).not.toBe(two);
  });

  it('go when nobody has used them for long, and when they were not finished', async () => {
    const files = new SolutionFiles(folder);
    const old = await files.materialise(new Map([['old', '']]));
    const young = await files.materialise(new Map([['young', '']]));
    await utimes(old, new Date(0), new Date(0));
    await files.sweep(60_000);
    expect(await readdir(folder)).toEqual([young.slice(folder.length + 1)]);
  });
});
