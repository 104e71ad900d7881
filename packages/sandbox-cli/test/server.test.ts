import { readdirSync, readFileSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { SandboxClient } from '@ergon/sandbox-client';
import { cli, containing, examples, folder, matching, repository, start, startCli, until } from './cli.js';
import type { Running, Said, Surroundings } from './cli.js';
import { CuttingProxy } from './proxy.js';

const token = 'a-token-for-these-tests';
let server: Running;
let url = '';

beforeAll(async () => {
  const env = {
    ERGON_SANDBOX_PORT: '0',
    ERGON_SANDBOX_TOKEN: token,
    ERGON_SANDBOX_DATA_DIR: folder(),
    ERGON_SANDBOX_EXAMPLES: examples,
    DOCKER_HOST: 'unix:///nowhere',
  };
  ({ running: server, url } = await startServer(env));
});

afterAll(async () => {
  server.child.kill('SIGTERM');
  expect((await server.end()).code).toBe(0);
});

async function startServer(env: Readonly<Record<string, string>>): Promise<{ running: Running; url: string }> {
  const running = start(process.execPath, [join(repository, 'apps/api/dist/main.js')], { env });
  const listening = (): string => /Listening on (http:[^"]+)"/.exec(running.stdout + running.stderr)?.[1] ?? '';
  await until(
    () => listening() !== '',
    () => running.stdout + running.stderr,
  );
  return { running, url: listening() };
}

const here = (): Surroundings => ({ env: { ERGON_SANDBOX_URL: url, ERGON_SANDBOX_TOKEN: token } });
const ask = (...args: string[]): Promise<Said> => cli(args, here());

test('solutions, providers and history are lists, and JSON with --json', async () => {
  expect(await ask('solutions', '--name', 'count')).toMatchObject({
    code: 0,
    stdout: matching(/^ID .*\nword-count +Word count +1\.0\.0 /),
  });
  expect(await ask('providers')).toMatchObject({
    code: 0,
    stdout: matching(/sandbox-exec +yes +yes[\s\S]*docker +no .*No Docker engine/),
  });
  await ask('test', 'fails');
  expect(await ask('history', '-n', '1')).toMatchObject({
    code: 0,
    stdout: matching(/EXECUTION .*\n\S+ +fails +failed +1 /),
  });
  const json = await ask('history', '-n', '1', '--json');
  expect(JSON.parse(json.stdout)).toMatchObject([{ solution_id: 'fails', exit_code: 1 }]);
});

test("a solution runs there: its output, each stream, and its code; its tests; a command of one's own", async () => {
  expect(await ask('test', 'hello-python')).toMatchObject({
    code: 0,
    stderr: '',
    stdout: containing('Hello from inside'),
  });
  expect(await ask('test', 'word-count', '--tests')).toMatchObject({ code: 0 });
  const own = await ask('test', 'hello-python', '-e', 'A=1', '--', 'sh', '-c', 'printf "a\\rb"; echo $A >&2; exit 9');
  expect(own).toEqual({ code: 9, stdout: 'a\rb', stderr: '1\n' });
  expect(await ask('test', 'never-ends', '--timeout', '1')).toMatchObject({ code: 124, stderr: containing('timeout') });
  const json = await ask('test', 'hello-python', '--json');
  expect(JSON.parse(json.stdout)).toMatchObject({ status: 'completed', exit_code: 0 });
});

test('Ctrl-C stops it there, and the sandbox is removed', async () => {
  const running = startCli(['test', 'never-ends'], here());
  await until(
    () => running.stdout.includes('\n'),
    () => running.stderr,
  );
  running.child.kill('SIGINT');
  expect((await running.end()).code).toBe(130);
  const active = await fetch(`${url}/api/ergon/sandbox/active`, { headers: { Authorization: `Bearer ${token}` } });
  expect(await active.json()).toEqual([]);
});

test('a folder is added once it has run here, and not if that failed', async () => {
  const good = folder({ 'main.sh': 'echo well' });
  const added = await ask('add', good, '--id', 'mine');
  expect(added).toEqual({ code: 0, stdout: 'mine\n', stderr: containing('well') });
  expect(await ask('test', 'mine')).toEqual({ code: 0, stdout: 'well\n', stderr: '' });
  const bad = folder({ 'main.sh': 'exit 6' });
  expect(await ask('add', bad, '--id', 'bad')).toMatchObject({ code: 6, stdout: '', stderr: containing('--no-run') });
  expect(await ask('test', 'bad')).toMatchObject({
    code: 125,
    stderr: matching(/SANDBOX002\)\n {2}"ergon-sandbox solutions" lists/),
  });
  expect(await ask('add', bad, '--id', 'bad', '--no-run')).toMatchObject({ code: 0 });
});

test('logs print what an execution wrote; -f goes on to its end, and without it what there is by now comes', async () => {
  const waits = 'echo first; until [ -e go ]; do sleep 0.1; done; echo last';
  const slow = startCli(['test', 'hello-python', '--', 'sh', '-c', waits], here());
  const { id, sandboxId } = await running(() => slow.stdout === 'first\n');
  expect(await ask('logs', id)).toEqual({ code: 0, stdout: 'first\n', stderr: '' });
  expect(await ask('logs', id, '--json')).toMatchObject({ code: 1, stdout: '', stderr: containing('with -f') });
  const followed = startCli(['logs', '-f', id], here());
  await until(
    () => followed.stdout === 'first\n',
    () => followed.stderr,
  );
  const client = new SandboxClient({ baseUrl: url, token });
  await (await client.sandboxes.connect(sandboxId)).files.write('go', '');
  expect(await followed.end()).toEqual({ code: 0, stdout: 'first\nlast\n', stderr: '' });
  expect(await slow.end()).toMatchObject({ code: 0 });
  expect(await ask('logs', id)).toEqual({ code: 0, stdout: 'first\nlast\n', stderr: '' });
  expect((await ask('logs', id, '--json')).stdout).toContain('"type":"complete"');
});

/** Waits until what was started shows something. @returns the last execution, which is it */
async function running(shows: () => boolean): Promise<{ readonly id: string; readonly sandboxId: string }> {
  await until(shows, () => server.stderr);
  const said = await ask('history', '--solution', 'hello-python', '-n', '1', '--json');
  const [row] = JSON.parse(said.stdout) as { execution_id: string; sandbox_id: string }[];
  return { id: row?.execution_id ?? '', sandboxId: row?.sandbox_id ?? '' };
}

test('where connections break, test and logs go on where they were: nothing is repeated, and nothing left out', async () => {
  const proxy = await CuttingProxy.before(url);
  try {
    const env = { ERGON_SANDBOX_URL: proxy.url, ERGON_SANDBOX_TOKEN: token };
    const script = 'i=0; while [ $i -lt 300 ]; do echo "line $i"; i=$((i+1)); sleep 0.01; done; echo err >&2; exit 3';
    const lines = Array.from({ length: 300 }, (_, number) => `line ${number}\n`).join('');
    expect(await cli(['test', 'hello-python', '--', 'sh', '-c', script], { env })).toEqual({
      code: 3,
      stdout: lines,
      stderr: 'err\n',
    });
    expect(proxy.cutStarts).toBe(true);
    expect(proxy.cutLogs).toBeGreaterThan(0);
    const rows = await ask('history', '--solution', 'hello-python', '-n', '1', '--json');
    const [row] = JSON.parse(rows.stdout) as { execution_id: string }[];
    const before = proxy.cutLogs;
    expect(await cli(['logs', '-f', row?.execution_id ?? ''], { env })).toEqual({
      code: 0,
      stdout: lines,
      stderr: 'err\n',
    });
    expect(proxy.cutLogs).toBeGreaterThan(before);
    const json = await cli(['logs', '--json', row?.execution_id ?? ''], { env });
    const events = json.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { type: string; line?: string });
    expect(events.flatMap(({ type, line }) => (type === 'output' ? [line] : []))).toHaveLength(301);
  } finally {
    proxy.close();
  }
});

test('a server that goes and comes back during a run is waited for, and its word on the run is told', async () => {
  const env = {
    ERGON_SANDBOX_DATA_DIR: folder(),
    ERGON_SANDBOX_EXAMPLES: examples,
    DOCKER_HOST: 'unix:///nowhere',
  };
  const first = await startServer({ ...env, ERGON_SANDBOX_PORT: '0' });
  const running = startCli(['test', 'hello-python', '--', 'sh', '-c', 'echo before; exec sleep 600'], {
    env: { ERGON_SANDBOX_URL: first.url },
  });
  await until(
    () => running.stdout === 'before\n',
    () => running.stderr,
  );
  first.running.child.kill('SIGKILL');
  await first.running.end();
  const second = await startServer({ ...env, ERGON_SANDBOX_PORT: new URL(first.url).port });
  expect(await running.end()).toEqual({
    code: 125,
    stdout: 'before\n',
    stderr: 'ergon-sandbox: The server ended while this ran, so the run was cut off.\n',
  });
  second.running.child.kill('SIGTERM');
  expect((await second.running.end()).code).toBe(0);
});

test('what it left in /output there is written where --keep-output says, and through no link', async () => {
  const target = join(folder(), 'kept');
  const script = 'mkdir /output/a; echo one > /output/a/b.txt; : > /output/empty; chmod 755 /output/empty; exit 4';
  const keep = ['test', 'hello-python', '-o', target, '--', 'sh', '-c'];
  expect(await ask(...keep, script)).toMatchObject({ code: 4, stderr: containing('2 files of /output written') });
  expect(readFileSync(join(target, 'a/b.txt'), 'utf8')).toBe('one\n');
  expect(statSync(join(target, 'empty'))).toMatchObject({ size: 0, mode: 0o100755 });
  const trap = folder();
  symlinkSync(trap, join(target, 'link'));
  const through = await ask(...keep, 'mkdir -p /output/link/new; echo evil > /output/link/new/f');
  expect(through).toMatchObject({ code: 125, stderr: matching(/\/link is a link, which is not followed/) });
  expect(readdirSync(trap)).toEqual([]);
});

test("the program's code is told, and all that it left is written, though the last calls are cut off; the sandbox is removed", async () => {
  const proxy = await CuttingProxy.before(url);
  try {
    const target = join(folder(), 'kept');
    const script = 'seq 100000 > /output/numbers; echo out; exit 4';
    const said = await cli(['test', 'hello-python', '-o', target, '--', 'sh', '-c', script], {
      env: { ERGON_SANDBOX_URL: proxy.url, ERGON_SANDBOX_TOKEN: token },
    });
    expect(said).toMatchObject({ code: 4, stdout: 'out\n', stderr: containing('1 file of /output written') });
    const numbers = Array.from({ length: 100_000 }, (_, number) => `${number + 1}\n`).join('');
    expect(readFileSync(join(target, 'numbers'), 'utf8') === numbers).toBe(true);
    expect([proxy.cutAnswers.size, proxy.cutFiles]).toEqual([3, 1]);
    expect(await new SandboxClient({ baseUrl: url, token }).sandboxes.list()).toEqual([]);
  } finally {
    proxy.close();
  }
});

test('a field of a solution that is not known, such as a slip in a limit, is told once by run, add and test', async () => {
  const content = { main_file: 'main.sh', memmory_limit: '1g' };
  const slip = folder({ 'main.sh': 'echo ran', 'solution.json': JSON.stringify({ content }) });
  const told = 'content.memmory_limit is not a field that is known here; it was ignored.\n';
  const once = { code: 0, stderr: matching(new RegExp(`^(?![^]*memmory[^]*memmory)[^]*${told}`)) };
  expect(await ask('run', slip)).toMatchObject({ ...once, stdout: 'ran\n' });
  expect(await ask('add', slip, '--id', 'slip')).toMatchObject({ ...once, stdout: 'slip\n' });
  expect(await ask('add', slip, '--id', 'slip', '--no-run')).toMatchObject({ ...once, stdout: 'slip\n' });
  expect(await ask('test', 'slip')).toMatchObject({ ...once, stdout: 'ran\n' });
});

test('what the server refuses, or nobody hears, is a sentence with what to do', async () => {
  expect(await cli(['solutions', '--url', url])).toMatchObject({
    code: 1,
    stderr: matching(/token is needed[\s\S]*Set ERGON_SANDBOX_TOKEN/),
  });
  expect(await cli(['solutions', '--url', 'http://127.0.0.1:9'])).toMatchObject({
    code: 1,
    stderr: matching(/could not be reached[\s\S]*--url/),
  });
  expect(await cli(['solutions', '--url', 'nowhere'])).toMatchObject({
    code: 1,
    stderr: containing('no address of a server'),
  });
  expect(await ask('history', '-n', '5000')).toMatchObject({ code: 1, stderr: containing('--limit: must be') });
  expect(await ask('logs', 'nope')).toMatchObject({ code: 1, stderr: containing('SANDBOX006') });
  expect(await ask('logs', '-f', 'nope')).toMatchObject({ code: 1, stderr: containing('SANDBOX006') });
  expect(await cli(['logs', '-f', 'nope', '--url', 'http://127.0.0.1:9'])).toMatchObject({
    code: 1,
    stderr: matching(/could not be reached[\s\S]*--url/),
  });
  expect(await cli(['test', 'hello-python', '--url', url], { env: { ERGON_SANDBOX_TOKEN: 'wrong' } })).toMatchObject({
    code: 125,
    stderr: matching(/SANDBOX013[\s\S]*Set ERGON_SANDBOX_TOKEN/),
  });
  expect(await ask('test', 'hello-python', '--memory', 'x')).toMatchObject({
    code: 125,
    stderr: containing('--memory: must be a size'),
  });
  expect(await ask('test', 'hello-python', '--tests', '--', 'true')).toMatchObject({
    code: 125,
    stderr: containing('--tests: a command is given, too'),
  });
});
