import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { bin, cli, folder, repository, start } from './cli.js';

jest.setTimeout(60_000);

const commands = ['run', 'test', 'add', 'solutions', 'history', 'logs', 'providers', 'doctor', 'completion'];

test('the help names every command, and each has a help of its own with what it needs', async () => {
  const whole = await cli(['--help']);
  expect(whole).toMatchObject({ code: 0, stderr: '' });
  for (const name of commands) {
    expect(whole.stdout).toMatch(new RegExp(`^  ${name} `, 'm'));
    const { code, stdout, stderr } = await cli(['help', name]);
    expect({ name, code, stderr }).toEqual({ name, code: 0, stderr: '' });
    expect(stdout).toMatch(new RegExp(`^Usage: ergon-sandbox ${name}`));
    expect(stdout).toMatch(name === 'completion' ? /Examples:/ : /Exit codes:[\s\S]*Environment:/);
    expect((await cli([name, '--help'])).stdout).toBe(stdout);
  }
});

test('the version is that of the package', async () => {
  const text = readFileSync(join(repository, 'packages/sandbox-cli/package.json'), 'utf8');
  const { version } = JSON.parse(text) as { version: string };
  expect((await cli(['--version'])).stdout).toBe(`${version}\n`);
});

test('help needs nothing of the core or of a provider', async () => {
  const loaded = 'process.on("exit", () => console.error(Object.keys(require.cache).join("\\n")))';
  const script = `${loaded}; require(${JSON.stringify(bin.replace(/js$/, 'cjs'))})`;
  const help = await start(process.execPath, ['-e', script, '--', 'x', '--help']).end();
  expect(help.stderr).toContain('commander');
  expect(help.stderr).not.toMatch(/dockerode|\/zod\/|sandbox-core|sandbox-provider/);
  // The same way of looking sees them where they are needed.
  const run = await start(process.execPath, ['-e', script, '--', 'x', 'doctor'], {
    env: { DOCKER_HOST: 'unix:///nowhere' },
  }).end();
  expect(run.stderr).toMatch(/dockerode[\s\S]*sandbox-provider|sandbox-provider[\s\S]*dockerode/);
});

test('what is misspelt is refused with what was meant', async () => {
  expect(await cli(['rnu'])).toEqual({
    code: 2,
    stdout: '',
    stderr: "ergon-sandbox: unknown command 'rnu'\n  (Did you mean run?)\n",
  });
  expect(await cli(['history', '--solutoin', 'x'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('--solution'),
  });
  expect(await cli(['completion', 'tcsh'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('bash, zsh, fish'),
  });
});

test('a terminal shows that a program runs until it writes something, and nothing of that stays', async () => {
  const line = `${process.execPath} ${bin} run ${folder({ 'main.sh': 'sleep 1; echo done\n' })}`;
  const { stdout } = await start('script', ['-qec', line, '/dev/null'], { env: { TERM: 'xterm' } }).end();
  expect(stdout).toMatch(/\r\u001b\[K. Running \d\.\d s/);
  expect(stdout).toMatch(/\r\u001b\[Kdone\r\n$/);
});

test('a terminal shows colours, which nothing else and NO_COLOR do not', async () => {
  const line = `${process.execPath} ${bin} run /nowhere`;
  const shown = await start('script', ['-qec', line, '/dev/null'], { env: { TERM: 'xterm' } }).end();
  expect(shown.stdout).toContain('\u001b[31mergon-sandbox: There is no folder');
  const plain = await start('script', ['-qec', line, '/dev/null'], { env: { TERM: 'xterm', NO_COLOR: '1' } }).end();
  expect(plain.stdout).not.toContain('\u001b');
  expect((await cli(['run', '/nowhere'])).stderr).not.toContain('\u001b');
});
