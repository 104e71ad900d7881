import { execFileSync } from 'node:child_process';
import { startCommand } from './start.js';
import { macTools } from './tools.js';

const profile = {
  text: '(version 1)',
  parameters: new Map([
    ['WORKSPACE', '/a "b"\n(c)=d'],
    ['OUTPUT', '/ü'],
  ]),
};
const limits = { fileBytes: 10_000, cpuSeconds: 60, userProcesses: 400 };

test('it is sandbox-exec by its own path, with each path as a parameter of its own', () => {
  const words = startCommand(macTools, profile, limits);
  expect(words.slice(0, 7)).toEqual([
    '/usr/bin/sandbox-exec',
    '-p',
    '(version 1)',
    '-D',
    'WORKSPACE=/a "b"\n(c)=d',
    '-D',
    'OUTPUT=/ü',
  ]);
  expect(words.slice(7, 12)).toEqual(['/bin/bash', '--norc', '--noprofile', '-p', '-c']);
  expect(words).toHaveLength(13);
});

/** Runs the shell's part of it, whose last command reads what comes on stdin. */
function inside(script: string, { before = '', with: more = limits } = {}): { said: string; status: string } {
  const [shell = '', ...words] = startCommand(macTools, profile, more).slice(7);
  const quoted = words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');
  const said = execFileSync('/bin/bash', ['-c', `${before} exec ${shell} ${quoted} 9>&1`], {
    input: script,
    encoding: 'utf8',
    stdio: 'pipe',
  });
  const [status = '', ...rest] = said.split('\n');
  return { said: rest.join('\n'), status };
}

test('the limits are there before anything else runs, in the units of the shell', () => {
  const { said, status } = inside('ulimit -f; ulimit -H -f; ulimit -c; ulimit -S -t; ulimit -H -t; ulimit -u');
  expect(status).toBe('ready');
  expect(said).toBe('9\n9\n0\n60\n61\n400\n');
});

test('a limit that is lower already stays', () => {
  const { said } = inside('ulimit -f; ulimit -u', { before: 'ulimit -f 5; ulimit -u 300;' });
  expect(said).toBe('5\n300\n');
});

test('a file is at least a kibibyte', () => {
  expect(inside('ulimit -f', { with: { ...limits, fileBytes: 1 } }).said).toBe('1\n');
});

test('no file is run that a variable names, no function that is in one, and descriptors of others are closed', () => {
  const before = `export BASH_ENV=/dev/stderr ENV=/dev/stderr SHELLOPTS HOME=/; exec 20</dev/null; ulimit() { echo mine; }; export -f ulimit;`;
  const { said, status } = inside('type -t ulimit; [ -e /dev/fd/20 ] || echo closed', { before });
  expect(status).toBe('ready');
  expect(said).toBe('builtin\nclosed\n');
});

test('a limit that cannot be set ends it before it is ready', () => {
  const before = 'ulimit -t 50;';
  expect(() => inside('echo never', { before })).toThrow(expect.objectContaining({ status: 125 }) as Error);
});
