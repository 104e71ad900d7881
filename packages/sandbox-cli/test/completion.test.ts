import { cli, folder, start } from './cli.js';

/** What bash offers after these words; the last one is being typed. */
async function offered(script: string, words: readonly string[], cwd?: string): Promise<string[]> {
  const drive = `${script}
COMP_WORDS=(${['ergon-sandbox', ...words].map((word) => `'${word}'`).join(' ')})
COMP_CWORD=${words.length}
$(complete -p ergon-sandbox | sed 's/.*-F \\([^ ]*\\).*/\\1/')
printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { code, stdout, stderr } = await start('bash', ['--norc', '-c', drive], cwd === undefined ? {} : { cwd }).end();
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout.trim().split('\n');
}

test('bash completes commands, options, their values and files', async () => {
  const { stdout: script } = await cli(['completion', 'bash']);
  expect(await offered(script, ['r'])).toEqual(['run']);
  expect(await offered(script, ['co'])).toEqual(['completion']);
  expect(await offered(script, ['run', '--mem'])).toEqual(['--memory']);
  expect(await offered(script, ['run', '--network', ''])).toEqual(['none', 'full']);
  expect(await offered(script, ['logs', '--f'])).toEqual(['--follow']);
  expect(await offered(script, ['completion', 'z'])).toEqual(['zsh']);
  expect(await offered(script, ['run', '--timeout', ''])).toEqual(['']);
  expect(await offered(script, ['run', 'so'], folder({ 'some folder/a': '', other: '' }))).toEqual(['some folder']);
});

test('the scripts for zsh and fish know every command', async () => {
  const zsh = await cli(['completion', 'zsh']);
  expect(zsh.stdout).toContain('bashcompinit');
  const fish = await cli(['completion', 'fish']);
  for (const name of ['run', 'test', 'add', 'solutions', 'history', 'logs', 'providers', 'doctor', 'completion']) {
    expect(zsh.stdout).toContain(` ${name}`);
    expect(fish.stdout).toMatch(new RegExp(`-n __fish_use_subcommand -a ${name} -d '`));
  }
});
