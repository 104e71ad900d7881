import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { bin, cli, containing, folder, repository, start, matching } from './cli.js';

const commands = ['run', 'test', 'add', 'solutions', 'history', 'logs', 'volumes', 'providers', 'doctor', 'completion'];

test('the help names every command, and each has a help of its own with what it needs', async () => {
  const whole = await cli(['--help']);
  expect(whole).toMatchObject({ code: 0, stderr: '' });
  for (const name of commands) {
    expect(whole.stdout).toMatch(new RegExp(`^  ${name} `, 'm'));
    expect(whole.stdout.split('\n').filter((line) => line.length > 80)).toEqual([]);
    const { code, stdout, stderr } = await cli(['help', name]);
    expect({ name, code, stderr }).toEqual({ name, code: 0, stderr: '' });
    expect(stdout).toMatch(new RegExp(`^Usage: ergon-sandbox ${name}`));
    expect(stdout).toMatch(name === 'completion' ? /Exit codes:/ : /Exit codes:[\s\S]*Environment:/);
    expect(stdout.split('\n').filter((line) => line.length > 80)).toEqual([]);
    expect((await cli([name, '--help'])).stdout).toBe(stdout);
  }
});

test('the version is that of the package', async () => {
  const text = readFileSync(join(repository, 'packages/sandbox-cli/package.json'), 'utf8');
  const { version } = JSON.parse(text) as { version: string };
  expect((await cli(['--version'])).stdout).toBe(`${version}\n`);
});

test('help needs nothing of the core or of a provider', async () => {
  const help = await loadedBy(['run', '--help']);
  expect(help).toContain('/commander/');
  expect(help).not.toMatch(/dockerode|\/zod\/|sandbox-core|sandbox-client|sandbox-provider/);
  // The same way of looking sees them where they are needed.
  expect(await loadedBy(['doctor'])).toMatch(/dockerode[\s\S]*sandbox-core|sandbox-core[\s\S]*dockerode/);
});

/** The addresses of all scripts that ran, as Node's coverage names them. */
async function loadedBy(args: readonly string[]): Promise<string> {
  const coverage = folder();
  await cli(args, { env: { NODE_V8_COVERAGE: coverage, DOCKER_HOST: 'unix:///nowhere' } });
  const texts = readdirSync(coverage).map((name) => readFileSync(join(coverage, name), 'utf8'));
  const urls = texts.flatMap((text) =>
    (JSON.parse(text) as { result: { url: string }[] }).result.map(({ url }) => url),
  );
  return urls.join('\n');
}

test('what is misspelt is refused with what was meant', async () => {
  expect(await cli(['rnu'])).toEqual({
    code: 2,
    stdout: '',
    stderr: "ergon-sandbox: unknown command 'rnu'\n  (Did you mean run?)\n",
  });
  expect(await cli(['history', '--solutoin', 'x'])).toMatchObject({
    code: 2,
    stderr: containing('--solution'),
  });
  expect(await cli(['completion', 'tcsh'])).toMatchObject({
    code: 2,
    stderr: containing('bash, zsh, fish'),
  });
});

test('a terminal shows that a program runs until it writes something, and nothing of that stays', async () => {
  const line = `${process.execPath} ${bin} run ${folder({ 'main.sh': 'sleep 3; echo done\n' })}`;
  const { stdout } = await start('script', ['-qec', line, '/dev/null'], { env: { TERM: 'xterm' } }).end();
  const lines = stdout.split('\r\u001b[K');
  expect(lines).toContainEqual(matching(/^. Running \d+\.\d s$/));
  expect(lines.at(-1)).toBe('done\r\n');
});

test('a terminal shows colours, which nothing else and NO_COLOR do not', async () => {
  const line = `${process.execPath} ${bin} run /nowhere`;
  const shown = await start('script', ['-qec', line, '/dev/null'], { env: { TERM: 'xterm' } }).end();
  expect(shown.stdout).toContain('\u001b[31mergon-sandbox: There is no folder');
  const plain = await start('script', ['-qec', line, '/dev/null'], { env: { TERM: 'xterm', NO_COLOR: '1' } }).end();
  expect(plain.stdout).not.toContain('\u001b');
  expect((await cli(['run', '/nowhere'])).stderr).not.toContain('\u001b');
});
