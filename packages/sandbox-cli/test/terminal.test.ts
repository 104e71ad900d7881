import { bin, folder, start, until } from './cli.js';

const path = folder({ 'main.sh': 'true\n' });

/** The command at a terminal of its own, made by script(1), and its keyboard. */
function atTerminal(command: string): { running: ReturnType<typeof start>; type: (keys: string) => void } {
  const line = `${process.execPath} ${bin} run ${path} -t -- ${command}`;
  const script = `stty rows 30 cols 100; echo "before $(stty -g)"; ${line}; echo "code $?"; echo "after $(stty -g)"`;
  const running = start('script', ['-qec', script, '/dev/null'], {
    env: { TERM: 'xterm', SHELL: '/bin/bash' },
    keepOpen: true,
  });
  return { running, type: (keys) => void running.child.stdin?.write(keys) };
}

test('a Python prompt works: what is typed is read, Ctrl-C is its own, Ctrl-D ends it, and the terminal is as before', async () => {
  const { running, type } = atTerminal('python -q');
  const shows = (text: string): Promise<void> =>
    until(
      () => running.stdout.includes(text),
      () => running.stdout,
    );
  await shows('>>> ');
  type('import os; print(6 * 7, os.get_terminal_size())\r');
  await shows('42 os.terminal_size(columns=100, lines=30)');
  type('import time; print("z" * 4); time.sleep(600)\r');
  await shows('zzzz');
  type('\u0003');
  await shows('KeyboardInterrupt');
  type('exit(5)\r');
  await shows('code 5');
  running.child.stdin?.end();
  expect((await running.end()).code).toBe(0);
  const [, before] = /before (\S+)/.exec(running.stdout) ?? [];
  expect(before).toMatch(/^[0-9a-f:]+$/);
  expect(running.stdout).toContain(`after ${before}`);
});

test('a new size of the terminal reaches the program', async () => {
  const { running } = atTerminal(`sh -c 'trap "stty size" WINCH; stty size; echo up; while :; do sleep 0.1; done'`);
  const shows = (text: string): Promise<void> =>
    until(
      () => running.stdout.includes(text),
      () => running.stdout,
    );
  await shows('30 100');
  await shows('up');
  // The terminal is that of the process which script(1) started.
  const { stdout } = await start('pgrep', ['-P', String(running.child.pid)]).end();
  await start('sh', ['-c', `stty rows 44 cols 120 < /proc/${stdout.trim()}/fd/0`]).end();
  await shows('44 120');
  running.child.stdin?.write('\u0003');
  running.child.kill('SIGTERM');
  await running.end();
});
