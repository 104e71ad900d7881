import { existsSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { bin, cli, containing, examples, folder, isRoot, matching, start, startCli, stateHome, until } from './cli.js';

const runs = join(stateHome(), 'ergon-sandbox/runs');
const slow = folder({
  'main.py': 'import time\nprint("on", flush=True)\ntime.sleep(60)\n',
});

test('a Python and a Node example print their output, and end with their codes', async () => {
  const python = await cli(['run', join(examples, 'hello-python')]);
  expect(python).toMatchObject({ code: 0, stderr: '' });
  expect(python.stdout).toContain('Hello from inside the sandbox!');
  const node = await cli(['run', join(examples, 'node-maze')]);
  expect(node.code).toBe(0);
  expect(node.stdout.split('\n').length).toBeGreaterThan(5);
  const failing = await cli(['run', join(examples, 'fails')]);
  expect(failing.code).toBe(1);
  expect(failing.stdout).toContain('flour: 500 g');
  expect(failing.stderr).toContain('RecipeError');
});

test('each stream comes out as it went in, byte for byte', async () => {
  const script = 'import sys\nsys.stdout.write("a\\rb")\nsys.stdout.flush()\nsys.stderr.write("c\\td")\nsys.exit(9)\n';
  expect(await cli(['run', folder({ 'main.py': script })])).toEqual({ code: 9, stdout: 'a\rb', stderr: 'c\td' });
});

test('a command after "--" runs in place of its own, and options after it are the command\'s', async () => {
  const said = await cli([
    'run',
    join(examples, 'hello-python'),
    '--',
    'sh',
    '-c',
    'echo "$0 $1"; exit 7',
    '-e',
    '--json',
  ]);
  expect(said).toEqual({ code: 7, stdout: '-e --json\n', stderr: '' });
});

test('output of any length comes whole', async () => {
  const said = await cli(['run', slow, '--', 'sh', '-c', 'yes | head -c 3000000']);
  expect({ ...said, stdout: said.stdout.length }).toEqual({ code: 0, stdout: 3_000_000, stderr: '' });
});

test('one file runs by itself', async () => {
  const path = join(folder({ 'a.sh': 'echo from $(ls)\n', 'b.txt': 'other' }), 'a.sh');
  expect(await cli(['run', path])).toEqual({ code: 0, stdout: 'from a.sh\n', stderr: '' });
});

test("a solution's tests run with --tests", async () => {
  const { code, stdout, stderr } = await cli(['run', join(examples, 'word-count'), '--tests']);
  expect({ code, said: stdout + stderr }).toEqual({ code: 0, said: matching(/Ran \d+ tests[\s\S]*OK/) });
});

test('the end of its time is 124, a signal of its own 128 and its number, each said in a sentence', async () => {
  const late = await cli(['run', slow, '--timeout', '3', '--', 'sh', '-c', 'echo on; exec sleep 60']);
  expect(late).toEqual({ code: 124, stdout: 'on\n', stderr: 'ergon-sandbox: Execution timeout exceeded\n' });
  expect((await cli(['run', slow, '--', 'sh', '-c', 'kill -USR1 $$'])).code).toBe(138);
});

// An ordinary user without cgroups has rlimits, which a program may survive.
if (isRoot) {
  test('the end at a limit is 137, and the limit is said', async () => {
    const big = await cli(['run', join(examples, 'out-of-memory')]);
    expect(big.code).toBe(137);
    expect(big.stderr).toContain('The memory limit of 64 MiB was hit');
  });
}

test('a limit that was lowered is said to be, by its option, if it was asked for', async () => {
  const asked = await cli(['run', slow, '--cpu', '4000', '--', 'true']);
  expect(asked).toMatchObject({
    code: 0,
    stderr: matching(/^ergon-sandbox: --cpu was lowered from 4000 CPUs/),
  });
  const named = await cli(['run', slow, '--provider', 'docker', '--', 'true'], {
    env: { DOCKER_HOST: 'unix:///nowhere' },
  });
  expect(named).toMatchObject({ code: 0, stderr: containing('sandbox-exec serves in its place') });
});

test('what keeps it from running is 125, with what to do', async () => {
  const cases: [string[], RegExp][] = [
    [['run', '/nowhere'], /There is no folder or file "\/nowhere"\.\n {2}Give the folder/],
    [['run', '/dev/null'], /"\/dev\/null" is neither a folder nor a file\.\n {2}Give the folder/],
    [['run', folder({ 'app.py': '' })], /has no main file.*\n {2}Say what to run after "--"/],
    [['run', folder({ 'solution.json': '{' })], /solution\.json" is not JSON/],
    [['run', folder({ 'solution.json': '{"content": 3}' })], /"content" must be an object/],
    [['run', slow, '--memory', 'banana'], /--memory: must be a size such as "512m"/],
    [['run', slow, '--cpu', 'two'], /--cpu.*must be a number/],
    [['run', slow, '--provider', 'nosuch'], /nosuch/],
    [['run', slow, '--network', 'some'], /--network <mode>.*Allowed choices are none, full/],
    [['run', slow, '--tests', '--', 'true'], /--tests: a command is given, too\.\n {2}Leave out one/],
    [['run', slow, '-e', 'NOT_HERE'], /there is no variable "NOT_HERE" here/],
    [['run', slow, '--memroy', '1g'], /unknown option '--memroy'\n {2}\(Did you mean --memory\?\)/],
    [['run', slow, '-t'], /-t needs a terminal/],
    [['run', slow, '--', 'nosuchprogram'], /"nosuchprogram" was not found/],
  ];
  for (const [args, sentence] of cases) {
    const said = await cli(args);
    expect({ args, ...said }).toEqual({ args, code: 125, stdout: '', stderr: matching(sentence) });
  }
});

test('a folder that cannot be written, even one below /proc, is named with what to set', async () => {
  const said = await cli(['run', slow], { env: { XDG_STATE_HOME: '/proc/nowhere' } });
  expect(said.code).toBe(125);
  expect(said.stderr).toMatch(/\/proc\/nowhere.* cannot be written: .*\n {2}Set XDG_STATE_HOME/);
});

test('variables come from the option or from here, and nothing else of here is seen', async () => {
  const env = { TAKEN: 'from here', SECRET: 'no' };
  const said = await cli(['run', slow, '-e', 'GIVEN=a=b c', '-e', 'TAKEN', '--', 'env'], { env });
  expect(said.stdout.split('\n')).toEqual(expect.arrayContaining(['GIVEN=a=b c', 'TAKEN=from here']));
  expect(said.stdout).not.toContain('SECRET');
});

test('stdin is passed with -i, and empty without', async () => {
  expect((await cli(['run', slow, '-i', '--', 'cat'], { input: 'one\ntwo' })).stdout).toBe('one\ntwo');
  expect((await cli(['run', slow, '--', 'cat'], { input: 'one\ntwo' })).stdout).toBe('');
});

test('what is no text, or a link, is left out and said to be', async () => {
  const path = folder({ 'main.sh': 'ls\n', 'a.bin': Buffer.from([255, 254, 0]), 'node_modules/x.js': '' });
  symlinkSync('/etc/passwd', join(path, 'link'));
  const said = await cli(['run', path]);
  expect(said.stdout).toBe('main.sh\n');
  expect(said.stderr).toMatch(
    /a\.bin is left out: it is not text.*\n.*link is left out: it is a link.*\n.*node_modules\/ is left out/,
  );
});

test('--json is one result on stdout, --json=events each event as a line, the result last', async () => {
  const whole = await cli(['run', '--json', slow, '--', 'sh', '-c', 'echo out; echo err >&2; exit 3']);
  expect(whole).toMatchObject({ code: 3, stderr: '' });
  expect(JSON.parse(whole.stdout)).toMatchObject({
    status: 'failed',
    exit_code: 3,
    stdout: 'out\n',
    stderr: 'err\n',
    errors: [],
  });
  const events = await cli(['run', '--json=events', slow, '--', 'echo', 'hi']);
  const lines = events.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { type: string });
  expect(lines.find(({ type }) => type === 'output')).toMatchObject({ line: '[stdout] hi', stream: 'stdout' });
  expect(lines.at(-2)).toMatchObject({ type: 'complete', exit_code: 0 });
  expect(lines.at(-1)).toMatchObject({ type: 'result', exit_code: 0, stdout: 'hi\n' });
});

test('what it left in /output is written where --keep-output says, and no link there is followed', async () => {
  const target = join(folder(), 'kept');
  const script = 'mkdir /output/a; echo one > /output/a/b.txt; ln -s /etc/passwd /output/link';
  const said = await cli(['run', slow, '-o', target, '--', 'sh', '-c', script]);
  expect(said).toMatchObject({ code: 0, stderr: containing('1 file of /output written') });
  expect(readFileSync(join(target, 'a/b.txt'), 'utf8')).toBe('one\n');
  expect(readdirSync(target)).toEqual(['a']);
  const trap = folder({ 'safe.txt': 'as it was' });
  const linked = folder();
  symlinkSync(join(trap, 'safe.txt'), join(linked, 'a.txt'));
  symlinkSync(trap, join(linked, 'dir'));
  const file = await cli(['run', slow, '-o', linked, '--', 'sh', '-c', 'echo evil > /output/a.txt']);
  expect(file).toMatchObject({ code: 125, stderr: containing('is a link, which is not followed') });
  const planted = 'mkdir -p /output/dir/new; echo evil > /output/dir/new/safe.txt';
  const through = await cli(['run', slow, '-o', linked, '--', 'sh', '-c', planted]);
  expect(through).toMatchObject({ code: 125, stderr: matching(/\/dir is a link, which is not followed/) });
  expect(readdirSync(trap)).toEqual(['safe.txt']);
  expect(readFileSync(join(trap, 'safe.txt'), 'utf8')).toBe('as it was');
});

test('what is no file where one is to be kept, such as a FIFO, is left as it is and named', async () => {
  const target = folder();
  expect((await start('mkfifo', [join(target, 'fifo')]).end()).code).toBe(0);
  const fifo = await cli(['run', slow, '-o', target, '--', 'sh', '-c', 'echo a > /output/fifo']);
  expect(fifo).toMatchObject({ code: 125, stderr: matching(/\/fifo is there, and is no file that can be replaced/) });
  // With a reader it can be opened, and is no file nonetheless.
  const reader = start('cat', [join(target, 'fifo')]);
  const read = await cli(['run', slow, '-o', target, '--', 'sh', '-c', 'echo a > /output/fifo']);
  expect(read).toMatchObject({ code: 125, stderr: matching(/\/fifo is there, and is no file that can be replaced/) });
  expect(await reader.end()).toMatchObject({ code: 0, stdout: '' });
  const below = await cli(['run', slow, '-o', target, '--', 'sh', '-c', 'mkdir /output/fifo; echo a > /output/fifo/a']);
  expect(below).toMatchObject({ code: 125, stderr: matching(/\/fifo is there, and is no folder/) });
  const nowhere = await cli(['run', slow, '-o', '/proc/nowhere', '--', 'sh', '-c', 'echo a > /output/a']);
  expect(nowhere).toMatchObject({ code: 125, stderr: containing('cannot be written to /proc/nowhere') });
  expect(readdirSync(runs)).toEqual([]);
});

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const)('%s ends the program and us, with %i, and nothing is left', async (signal, code) => {
  const running = startCli(['run', slow]);
  await until(
    () => running.stdout === 'on\n',
    () => running.stderr,
  );
  running.child.kill(signal);
  expect(await running.end()).toEqual({ code, stdout: 'on\n', stderr: '' });
  expect(readdirSync(runs)).toEqual([]);
});

test('a second Ctrl-C does not wait for a program that will not end, and the next run removes what was left', async () => {
  const stubborn = folder({ 'main.sh': 'trap "" TERM INT\necho on\nwhile :; do sleep 0.1; done\n' });
  const running = startCli(['run', stubborn]);
  await until(
    () => running.stdout === 'on\n',
    () => running.stderr,
  );
  running.child.kill('SIGINT');
  running.child.kill('SIGINT');
  const again = setInterval(() => running.child.kill('SIGINT'), 100); // two that came as one
  expect((await running.end()).code).toBe(130);
  clearInterval(again);
  await cli(['run', slow, '--', 'true']);
  expect(readdirSync(runs)).toEqual([]);
});

test('two runs at once do not hinder each other, and what a killed one left goes with the next', async () => {
  const [one, two] = [startCli(['run', slow]), startCli(['run', slow])];
  await until(
    () => one.stdout === 'on\n' && two.stdout === 'on\n',
    () => one.stderr + two.stderr,
  );
  expect(readdirSync(runs)).toHaveLength(2);
  one.child.kill('SIGKILL');
  await one.end();
  expect((await cli(['run', slow, '--', 'true'])).code).toBe(0);
  expect(readdirSync(runs)).toHaveLength(1); // of the one that runs
  two.child.kill('SIGINT');
  expect((await two.end()).code).toBe(130);
  expect(readdirSync(runs)).toEqual([]);
});

test('a reader that has had enough ends the run quietly', async () => {
  const line = `${process.execPath} ${bin} run ${slow} -- yes | head -n 1; echo "\${PIPESTATUS[0]}"`;
  expect(await start('bash', ['-c', line]).end()).toEqual({ code: 0, stdout: 'y\n141\n', stderr: '' });
  expect(existsSync(runs) ? readdirSync(runs) : []).toEqual([]);
});
