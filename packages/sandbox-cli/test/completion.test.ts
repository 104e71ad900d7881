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
  expect(await offered(script, ['volumes', ''])).toEqual(['--url', '--json', '--help', 'list', 'remove']);
  expect(await offered(script, ['completion', 'z'])).toEqual(['zsh']);
  expect(await offered(script, ['volumes', ''])).toEqual(['--url', '--json', '--help', 'list', 'remove']);
  expect(await offered(script, ['run', '--timeout', ''])).toEqual(['']);
  expect(await offered(script, ['run', 'so'], folder({ 'some folder/a': '', other: '' }))).toEqual(['some folder']);
});

/**
 * What becomes of each line in zsh once Tab was pressed at its end: the words that the command is then given. A terminal of its own is
 * what zsh completes in; the command is a function that prints them.
 */
async function completedByZsh(cwd: string, lines: readonly string[]): Promise<string[]> {
  const drive = `zmodload zsh/zpty
zpty shell env TERM=dumb zsh -f -i
setup='autoload -Uz compinit && compinit -u -D; source ./completion.zsh; ergon-sandbox() { print -r -- "ran:\${(j:|:)@}:" }'
zpty -w shell "$setup; print rea''dy"
zpty -r shell said '*ready*'
for line in "$@"; do
  zpty -w -n shell "ergon-sandbox $line"$'\\t\\r'
  zpty -r shell said '*ran:*:*'
  print -r -- "\${\${said##*ran:}%%:*}"
done
zpty -d shell`;
  const { code, stdout, stderr } = await start('timeout', ['60', 'zsh', '-f', '-c', drive, 'zsh', ...lines], {
    cwd,
  }).end();
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout.trimEnd().split('\n');
}

test('zsh completes commands, options, their values and files', async () => {
  const { stdout: script } = await cli(['completion', 'zsh']);
  const cwd = folder({ 'completion.zsh': script, 'some folder/a': '', other: '' });
  const typed = {
    ru: 'run',
    comp: 'completion',
    'run --mem': 'run|--memory',
    'run --network no': 'run|--network|none',
    'run --provider d': 'run|--provider|docker',
    'logs --f': 'logs|--follow',
    'completion z': 'completion|zsh',
    'help hi': 'help|history',
    'run so': 'run|some folder', // its slash goes again as the line is taken
    'logs so': 'logs|so',
    'volumes rem': 'volumes|remove',
  };
  expect(await completedByZsh(cwd, Object.keys(typed))).toEqual(Object.values(typed));
}, 90_000);

/** What fish offers after each line. */
async function offeredByFish(cwd: string, lines: readonly string[]): Promise<string[][]> {
  const drive = 'source ./completion.fish; for line in $argv; complete -C "ergon-sandbox $line"; echo; end';
  const home = folder();
  const surroundings = { cwd, env: { HOME: home, XDG_CONFIG_HOME: home, XDG_DATA_HOME: home } };
  const { code, stdout, stderr } = await start('fish', ['--no-config', '-c', drive, ...lines], surroundings).end();
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const words = stdout.split('\n').map((line) => line.split('\t')[0] ?? '');
  return lines.map(() => words.splice(0, words.indexOf('') + 1).slice(0, -1));
}

test('fish completes commands, options, their values and files', async () => {
  const { stdout: script } = await cli(['completion', 'fish']);
  const cwd = folder({ 'completion.fish': script, 'some folder/a': '', other: '' });
  const typed = {
    '': ['add', 'completion', 'doctor', 'help', 'history', 'logs', 'providers', 'run', 'solutions', 'test', 'volumes'],
    '--v': ['--version'],
    r: ['run'],
    'run --mem': ['--memory'],
    'run --network ': ['full', 'none'],
    'run --provider ': ['docker', 'sandbox-exec'],
    'run -o ': ['some folder/'],
    'run --timeout ': [],
    'logs --f': ['--follow'],
    'completion z': ['zsh'],
    'help hi': ['history'],
    'run so': ['some folder/'],
    'logs so': [],
    'volumes ': ['list', 'remove'],
  };
  expect(await offeredByFish(cwd, Object.keys(typed))).toEqual(Object.values(typed));
});
