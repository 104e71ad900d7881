// How long until a program's first line, over HTTP, beside the ways that have no service around them; interleaved in one run.
// Usage, after `npm run build`: node tools/bench/first-line.mjs [ROUNDS]
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, rmdirSync } from 'node:fs';
import { openSandbox, startServer } from './server.mjs';
import { median, table } from './figures.mjs';

const rounds = Number(process.argv[2] ?? 40);
const hello = ['sh', '-c', 'echo hi'];
const bubblewrap = [
  ...['bwrap', '--unshare-all', '--die-with-parent', '--new-session', '--ro-bind', '/usr', '/usr'],
  ...['--symlink', 'usr/bin', '/bin', '--symlink', 'usr/lib', '/lib', '--symlink', 'usr/lib64', '/lib64'],
  ...['--proc', '/proc', '--dev', '/dev', '--tmpfs', '/tmp', '--', ...hello],
];

/** ms until the first line of a process. */
function firstLine(command) {
  return new Promise((resolve, reject) => {
    const begun = performance.now();
    const child = spawn(command[0], command.slice(1), { stdio: ['ignore', 'pipe', 'inherit'] });
    let first = null;
    child.stdout.once('data', () => (first = performance.now() - begun));
    child.once('error', reject);
    child.once('close', (code) =>
      code === 0 ? resolve(first) : reject(new Error(`${command[0]} ended with ${code}`)),
    );
  });
}

const groups = ['memory', 'pids', 'cpu', 'cpuacct', 'freezer']
  .map((name) => `/sys/fs/cgroup/${name}`)
  .filter((folder) => existsSync(folder))
  .map((folder) => `${folder}/ergon-bench-${process.pid}`);
const inGroups = ['sh', '-c', `${groups.map((g) => `echo $$ > ${g}/cgroup.procs`).join(' && ')} && exec "$@"`, 'sh'];

const server = await startServer();
const ways = {
  'plain spawn': () => firstLine(hello),
  bubblewrap: () => firstLine(bubblewrap),
  ...(groups.length > 0 && process.getuid() === 0
    ? { 'bubblewrap in cgroups': () => firstLine([...inGroups, ...bubblewrap]) }
    : {}),
  'over HTTP, sandbox open': async () => {
    const sandbox = await openSandbox(server.url, { code: 'echo hi\n', main_file: 'main.sh' });
    const begun = performance.now();
    const response = await fetch(`${server.api}/execute`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ sandbox_id: sandbox, command: hello }),
    });
    let first = null;
    let text = '';
    for await (const part of response.body.pipeThrough(new TextDecoderStream())) {
      text += part;
      if (first === null && text.includes('"[stdout] hi"')) first = performance.now() - begun;
    }
    if (first === null) throw new Error(`no line came: ${text}`);
    await fetch(`${server.api}/${sandbox}`, { method: 'DELETE' });
    return first;
  },
};

try {
  if (process.getuid() === 0) for (const group of groups) mkdirSync(group);
  const times = Object.fromEntries(Object.keys(ways).map((name) => [name, []]));
  for (let round = -3; round < rounds; round += 1) {
    for (const [name, run] of Object.entries(ways)) {
      const ms = await run();
      if (round >= 0) times[name].push(ms); // the first rounds warm up
    }
  }
  const baseline = median(times['bubblewrap in cgroups'] ?? times.bubblewrap);
  table(
    [
      'first line',
      'median ms',
      'worst ms',
      `ratio to ${times['bubblewrap in cgroups'] ? 'bubblewrap in cgroups' : 'bubblewrap'}`,
    ],
    Object.entries(times).map(([name, all]) => [
      name,
      median(all).toFixed(1),
      Math.max(...all).toFixed(1),
      (median(all) / baseline).toFixed(2),
    ]),
  );
} finally {
  await server.stop();
  if (process.getuid() === 0) for (const group of groups) rmdirSync(group);
}
