// One hostile program in the exec provider's whole technique. Prints a line per fact.
import { spawn, execFileSync } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { randomBytes, randomInt } from 'node:crypto';

const root = process.getuid() === 0;
const uid = root ? randomInt(1879048192, 2147352576) : process.getuid();
const CONTROLLERS = ['memory', 'pids', 'cpu', 'cpuacct', 'freezer'];
const STAGE = '/run/ergon-prove';
let failures = 0;

function fact(sentence, holds, seen = '') {
  if (!holds) failures++;
  console.log(`${holds ? 'ok  ' : 'FAIL'} ${root ? 'root' : 'user'}: ${sentence}${seen === '' ? '' : ` (${seen})`}`);
}
const quote = (word) => `'${String(word).replaceAll("'", `'\\''`)}'`;
const alive = (pid) =>
  fs.existsSync(`/proc/${pid}`) && !/^State:\s+Z/m.test(fs.readFileSync(`/proc/${pid}/status`, 'utf8'));
async function until(condition, ms = 5000) {
  const deadline = Date.now() + ms;
  for (;;) {
    const value = await condition();
    if (value || Date.now() > deadline) return value;
    await new Promise((next) => setTimeout(next, 2));
  }
}
const exited = (child) => new Promise((resolve) => child.once('exit', (code, signal) => resolve({ code, signal })));

/* ---- what the server owns: everything below a private home ---- */
const home = fs.mkdtempSync(path.join(root ? os.tmpdir() : os.homedir(), 'ergon-prove-'));
fs.chmodSync(home, 0o700);
const data = path.join(home, 'data');
const solution = path.join(data, 'solution');
const runtime = path.join(home, 'runtime');
for (const folder of [
  data,
  solution,
  path.join(data, 'workspace'),
  path.join(data, 'output'),
  path.join(runtime, 'bin'),
])
  fs.mkdirSync(folder, { recursive: true, mode: 0o755 });
fs.copyFileSync('/bin/busybox', path.join(runtime, 'bin/busybox'));
fs.writeFileSync(path.join(solution, 'main.txt'), 'from the solution\n');
const marker = `ergon-prove/${process.pid}-${randomBytes(4).toString('hex')}`;

/* ---- seccomp: acct() gives EOPNOTSUPP, so that it is told apart from every other refusal ---- */
function seccompFilter() {
  const [arch, acct] = process.arch === 'arm64' ? [0xc00000b7, 89] : [0xc000003e, 163];
  const code = [
    [0x20, 0, 0, 4],
    [0x15, 1, 0, arch],
    [0x06, 0, 0, 0], // wrong architecture: kill
    [0x20, 0, 0, 0],
    [0x15, 0, 1, acct],
    [0x06, 0, 0, 0x00050000 | 95],
    [0x06, 0, 0, 0x7fff0000],
  ];
  const bytes = Buffer.alloc(code.length * 8);
  code.forEach(([op, jt, jf, k], i) => {
    bytes.writeUInt16LE(op, i * 8);
    bytes[i * 8 + 2] = jt;
    bytes[i * 8 + 3] = jf;
    bytes.writeUInt32LE(k >>> 0, i * 8 + 4);
  });
  return bytes;
}

/* ---- cgroup v1 ---- */
function cgroupFolders(name) {
  const own = new Map(
    fs
      .readFileSync('/proc/self/cgroup', 'utf8')
      .trim()
      .split('\n')
      .map((line) => line.split(':'))
      .flatMap(([, names, at]) => names.split(',').map((n) => [n, at])),
  );
  const folders = new Set();
  for (const line of fs.readFileSync('/proc/self/mountinfo', 'utf8').trim().split('\n')) {
    const [left, right] = line.split(' - ');
    const [type, , options] = right.split(' ');
    if (type !== 'cgroup') continue;
    for (const controller of CONTROLLERS) {
      if (!options.split(',').includes(controller)) continue;
      const [, , , rootOfMount, target] = left.split(' ');
      folders.add(path.join(target, path.relative(rootOfMount, own.get(controller)), 'ergon-prove', name));
    }
  }
  return [...folders];
}

/* ---- the holder: disk and binds in a private mount namespace that ends with the server ---- */
async function openHolder() {
  const image = path.join(data, 'disk.img');
  execFileSync('truncate', ['-s', '100M', image]);
  execFileSync('mkfs.ext4', ['-q', '-O', '^has_journal', '-m', '0', '-E', `root_owner=${uid}:${uid}`, image]);
  const script = [
    `set -e`,
    `mkdir -p -m 0755 ${STAGE}`,
    `mount -t tmpfs -o mode=0755,size=64k,nosuid,nodev stage ${STAGE}`,
    `cd ${STAGE}`,
    `mkdir disk solution runtime`,
    `mount -o loop,nosuid,nodev ${quote(image)} disk`,
    `mount --bind ${quote(solution)} solution`,
    `mount --bind ${quote(runtime)} runtime`,
    `setpriv --reuid ${uid} --regid ${uid} --clear-groups sh -c 'mkdir disk/workspace disk/output; cp -R solution/. disk/workspace'`,
    `echo ready`,
    `read -r forever`,
  ].join('\n');
  const child = spawn('unshare', ['-m', '--propagation', 'private', 'sh', '-c', script], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const line = await Promise.race([
    new Promise((resolve) => child.stdout.once('data', (d) => resolve(String(d)))),
    exited(child),
  ]);
  fact('the holder mounts the disk and the binds in its own namespace', line === 'ready\n', JSON.stringify(line));
  return child;
}

/* ---- descriptors: real pipes owned by the sandbox (node's own are sockets; a FIFO's /dev/stdin blocks on a second open once its writer closed) ---- */
async function pipes() {
  const maker = spawn(
    '/bin/sh',
    [
      '-c',
      'true | { exec 3<&0; true | { exec 4<&0; true | { exec 5<&0; exec /bin/sh -c "echo \\$\\$; read -r _" <&6; } } }',
    ],
    { stdio: ['ignore', 'pipe', 'inherit', 'ignore', 'ignore', 'ignore', 'pipe'], env: {} },
  );
  const pid = Number(await new Promise((resolve) => maker.stdout.once('data', (d) => resolve(String(d)))));
  const { O_RDONLY, O_WRONLY, O_NONBLOCK } = fs.constants;
  const made = [true, false, false].map((guestReads, i) => {
    const at = `/proc/${pid}/fd/${i + 3}`;
    const guest = fs.openSync(at, guestReads ? O_RDONLY : O_WRONLY);
    const ours = fs.openSync(at, (guestReads ? O_WRONLY : O_RDONLY) | O_NONBLOCK);
    if (root) fs.fchownSync(guest, uid, uid);
    return { guest, ours };
  });
  maker.stdio[6].end();
  await exited(maker);
  return made;
}
function bytesOnDescriptor(name, bytes) {
  const at = path.join(data, name);
  fs.writeFileSync(at, bytes);
  const fd = fs.openSync(at, 'r');
  fs.unlinkSync(at);
  return fd;
}
function leakedDescriptors() {
  return fs
    .readdirSync('/proc/self/fdinfo')
    .map(Number)
    .filter((fd) => {
      if (fd < 3) return false;
      try {
        return (
          (parseInt(/^flags:\s+(\d+)/m.exec(fs.readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))[1], 8) & 0o2000000) ===
          0
        );
      } catch {
        return false;
      }
    });
}

function bwrapArguments() {
  const at = root ? STAGE : null;
  const from = {
    solution: at ? `${at}/solution` : solution,
    runtime: at ? `${at}/runtime` : runtime,
    workspace: at ? `${at}/disk/workspace` : `${data}/workspace`,
    output: at ? `${at}/disk/output` : `${data}/output`,
  };
  return [
    '--unshare-user',
    '--unshare-pid',
    '--unshare-net',
    '--unshare-ipc',
    '--unshare-uts',
    '--unshare-cgroup-try',
    '--disable-userns',
    '--uid',
    '1000',
    '--gid',
    '1000',
    '--hostname',
    'sandbox',
    '--die-with-parent',
    '--new-session',
    '--as-pid-1',
    '--cap-drop',
    'ALL',
    '--clearenv',
    '--setenv',
    'PATH',
    '/usr/bin:/bin',
    '--ro-bind',
    '/usr',
    '/usr',
    '--symlink',
    'usr/bin',
    '/bin',
    '--symlink',
    'usr/lib',
    '/lib',
    '--symlink',
    'usr/lib64',
    '/lib64',
    '--ro-bind',
    from.runtime,
    '/runtimes/0',
    '--proc',
    '/proc',
    '--ro-bind',
    '/proc/sys',
    '/proc/sys',
    '--dev',
    '/dev',
    '--size',
    '1048576',
    '--tmpfs',
    '/dev/shm',
    '--remount-ro',
    '/dev',
    '--size',
    '16777216',
    '--tmpfs',
    '/tmp',
    '--ro-bind',
    from.solution,
    '/solution',
    '--bind',
    from.workspace,
    '/workspace',
    '--bind',
    from.output,
    '/output',
    '--remount-ro',
    '/',
    '--chdir',
    '/workspace',
  ];
}

/* ---- the launcher: parked in front of the command ---- */
let launches = 0;
async function park(holder) {
  const groups = root ? cgroupFolders(`${marker.replace('/', '-')}-${launches++}`) : [];
  for (const folder of groups) {
    fs.mkdirSync(folder, { recursive: true });
    const write = (file, value) =>
      fs.existsSync(path.join(folder, file)) && fs.writeFileSync(path.join(folder, file), value);
    write('memory.limit_in_bytes', String(128 << 20));
    write('memory.memsw.limit_in_bytes', String(128 << 20));
    write('pids.max', '64');
  }
  const [stdin, stdout, stderr] = await pipes();
  const devNull = fs.openSync('/dev/null', 'r+');
  const stdio = [
    'pipe',
    'pipe',
    'pipe',
    bytesOnDescriptor(
      'args',
      bwrapArguments()
        .map((word) => `${word}\0`)
        .join(''),
    ),
    bytesOnDescriptor('seccomp', seccompFilter()),
    'pipe',
    stdin.guest,
    stdout.guest,
    stderr.guest,
    'pipe',
  ];
  for (const fd of leakedDescriptors()) {
    while (stdio.length < fd) stdio.push('ignore');
    stdio[fd] ??= devNull;
  }
  // The outer shell stays as pid 1: it reports a death by signal on its own stderr; the inner one reads the script and becomes the program.
  const inside = ['prlimit', '--core=1', '--', '/bin/sh', '-c', '/bin/sh -s; exit $?', marker];
  const bwrap = ['bwrap', '--args', '3', '--seccomp', '4', '--json-status-fd', '5', '--', ...inside];
  const join = groups.map((folder) => `echo $$ > ${quote(`${folder}/cgroup.procs`)} || exit 125`).join('; ');
  const drop = ['setpriv', '--reuid', uid, '--regid', uid, '--clear-groups', '--no-new-privs', '--', ...bwrap];
  const command = root
    ? ['nsenter', [`--mount=/proc/${holder.pid}/ns/mnt`, 'sh', '-c', `${join}; exec ${drop.map(quote).join(' ')}`]]
    : ['bwrap', bwrap.slice(1)];
  const child = spawn(...command, { stdio, env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' } });
  for (const fd of [...stdio.filter(Number.isInteger)].filter((fd, i, all) => all.indexOf(fd) === i)) fs.closeSync(fd);
  const launch = {
    child,
    groups,
    exit: exited(child),
    status: '',
    log: '',
    stdout: '',
    stderr: '',
    nonce: '',
    bytes: 0,
  };
  child.stdio[5].on('data', (d) => (launch.status += d));
  child.stdio[9].on('data', (d) => (launch.nonce += d));
  for (const fd of [1, 2]) child.stdio[fd].on('data', (d) => (launch.log += d));
  launch.input = new net.Socket({ fd: stdin.ours, readable: false, writable: true });
  launch.outputs = [
    ['stdout', stdout.ours],
    ['stderr', stderr.ours],
  ].map(([name, fd]) => {
    const socket = new net.Socket({ fd, readable: true, writable: false });
    socket.on('data', (d) => {
      launch.bytes += d.length;
      if (launch[name].length < 1e6) launch[name] += d;
      launch.onData?.(name, d);
    });
    return new Promise((resolve) => socket.once('close', resolve));
  });
  await Promise.race([until(() => launch.status.includes('child-pid')), launch.exit]);
  launch.init = Number(/"child-pid": (\d+)/.exec(launch.status)?.[1]);
  if (!launch.init) throw new Error(`bubblewrap did not start: ${launch.log}`);
  return launch;
}
function go(launch, argv) {
  const secret = randomBytes(16).toString('hex');
  launch.secret = secret;
  launch.child.stdin.end(`{
[ -z "\${BASH_VERSION-}" ] || shopt -s execfail
trap 'printf "%s %s" ${secret} "$?" >&9' EXIT
{ exec ${argv.map(quote).join(' ')}; } <&6 >&7 2>&8 6<&- 7>&- 8>&- 9>&-
}
`);
}
async function finish(launch) {
  await launch.exit;
  await Promise.all(launch.outputs);
  launch.code = JSON.parse(
    launch.status
      .trim()
      .split('\n')
      .find((line) => line.includes('exit-code')) ?? '{}',
  )['exit-code'];
  return launch;
}
async function kill(launch) {
  launch.child.kill('SIGKILL'); // die-with-parent takes the namespace's init with it, and init's death everything in the namespace
  process.kill(launch.init, 'SIGKILL');
}
async function removed(folders) {
  return until(() =>
    folders.every((folder) => {
      try {
        fs.rmdirSync(folder);
        return true;
      } catch (error) {
        return error.code === 'ENOENT';
      }
    }),
  );
}
async function removeGroups(launch) {
  if (!(await removed(launch.groups))) fact('its cgroups empty and go', false, launch.groups.join(' '));
}
async function run(holder, argv) {
  const launch = await park(holder);
  go(launch, argv);
  return finish(launch);
}

/* ---- the program ---- */
const HOSTILE = String.raw`
echo to-stdout > /dev/stdout; echo to-stderr > /dev/stderr
cat /solution/main.txt; cat /workspace/main.txt
echo "applet $(readlink /proc/$$/exe)"
touch /solution/x 2>/dev/null && echo BAD-solution-writable; touch /usr/x 2>/dev/null && echo BAD-usr; touch /x 2>/dev/null && echo BAD-root; touch /dev/x 2>/dev/null && echo BAD-dev
echo x > /proc/sys/kernel/core_pattern 2>/dev/null && echo BAD-core-pattern
ls -a ${quote(home)} >/dev/null 2>&1 && echo BAD-home-visible
echo "environ $(tr '\0' ' ' < /proc/1/environ)"
echo "descriptors $(ls -l /proc/$$/fd | grep -o '[0-9]* -> .*' | tr -d ' ' | tr '\n' ' ')"
echo "init $(ls -l /proc/1/fd | grep -o '[0-9]* -> .*' | tr -d ' ' | tr '\n' ' ')"
grep -E '^(Seccomp|NoNewPrivs|CapEff):' /proc/self/status | tr -d '\t' | tr '\n' ' '; echo
/usr/bin/python3 -c 'import ctypes; c = ctypes.CDLL(None, use_errno=True); c.syscall(${process.arch === 'arm64' ? 89 : 163}, 0); print("acct", ctypes.get_errno())'
unshare -U true 2>/dev/null && echo BAD-userns
dd if=/dev/zero of=/workspace/big bs=1M count=300 2>&1 | grep -o 'No space left on device'
rm -f /workspace/big
echo done`;
const FAMILY = String.raw`
trap '' TERM
(trap '' TERM HUP; while :; do sleep 1000; done) &
setsid sh -c 'trap "" TERM; while :; do sleep 1000; done' &
(setsid sh -c '(setsid sleep 100000) & sleep 100000' &)
echo started
while :; do sleep 1000; done`;

async function main() {
  fact(
    'descriptors without CLOEXEC are found',
    Array.isArray(leakedDescriptors()),
    leakedDescriptors().join(' ') || 'none',
  );
  const holder = root ? await openHolder() : undefined;

  let it = await run(holder, ['/runtimes/0/bin/busybox', 'sh', '-c', HOSTILE]);
  fact('an interpreter below a private home runs', /^applet \/runtimes\/0\/bin\/busybox$/m.test(it.stdout));
  fact(
    'echo > /dev/stdout and /dev/stderr work',
    it.stdout.startsWith('to-stdout\n') && it.stderr.startsWith('to-stderr\n'),
    JSON.stringify(it.stderr.slice(0, 80)),
  );
  fact(
    'the solution is there to read, and copied into the workspace',
    (it.stdout.match(/from the solution/g) ?? []).length === (root ? 2 : 1),
  );
  fact('nothing that must not be writable or visible is', !it.stdout.includes('BAD'), /BAD.*/.exec(it.stdout)?.[0]);
  fact(
    "init's environment is empty but for what we set",
    /^environ PATH=\/usr\/bin:\/bin( PWD=\/workspace)? ?$/m.test(it.stdout),
    /^environ.*/m.exec(it.stdout)?.[0],
  );
  fact(
    'the program has its three descriptors and nothing of ours',
    /^descriptors (0|1|2)->pipe:\S+ (0|1|2)->pipe:\S+ (0|1|2)->pipe:\S+ (\d+->\/dev\/null )*(3->pipe:\S+ )?$/m.test(
      it.stdout,
    ),
    `${/^descriptors.*/m.exec(it.stdout)?.[0]}; ${/^init.*/m.exec(it.stdout)?.[0]}`,
  );
  fact(
    'seccomp, no-new-privs and no capabilities',
    /CapEff:0000000000000000 /.test(it.stdout) && /NoNewPrivs:1 /.test(it.stdout) && /Seccomp:2 /.test(it.stdout),
  );
  fact('our own filter answers (acct gives EOPNOTSUPP)', /^acct 95$/m.test(it.stdout));
  fact(
    'the program ran to its end with the exit code bubblewrap saw',
    /^done$/m.test(it.stdout) && it.code === 0 && it.nonce === '',
    `code ${it.code}`,
  );
  if (root) {
    fact(
      '300 MB into a 100 MB disk under 128 MB of memory is "no space", not an out-of-memory kill',
      /No space left/.test(it.stdout),
    );
    const memory = it.groups.find((folder) => folder.includes('/memory/'));
    fact(
      'the kernel counted no out-of-memory kill',
      /^oom_kill 0$/m.test(fs.readFileSync(`${memory}/memory.oom_control`, 'utf8')),
    );
    fact(
      'usage is known from the cgroup',
      Number(fs.readFileSync(`${memory}/memory.max_usage_in_bytes`, 'utf8')) > 1e6,
    );
  }
  await removeGroups(it);

  it = await run(holder, ['/no/such/program']);
  fact(
    'a program that cannot be started is told apart by the nonce',
    it.nonce === `${it.secret} 127`,
    `${JSON.stringify(it.nonce)} stderr ${JSON.stringify(it.stderr)}`,
  );
  await removeGroups(it);
  it = await run(holder, ['sh', '-c', 'exit 137']);
  fact('exit 137 is an exit', it.code === 137 && it.log === '', JSON.stringify(it.log));
  await removeGroups(it);
  it = await run(holder, ['sh', '-c', 'kill -KILL $$']);
  fact(
    'death by SIGKILL is reported by the supervising shell',
    it.code === 137 && it.log.trim() === 'Killed',
    JSON.stringify(it.log),
  );
  await removeGroups(it);
  it = await park(holder);
  go(it, ['sh', '-c', 'cat; cat /dev/stdin; echo ended']);
  it.input.end('typed\n');
  await finish(it);
  fact('what is written to stdin arrives, then its end', it.stdout === 'typed\nended\n', JSON.stringify(it.stdout));
  await removeGroups(it);
  if (root) {
    it = await run(holder, ['/usr/bin/python3', '-c', 'x = bytearray(300 << 20)']);
    const memory = it.groups.find((folder) => folder.includes('/memory/'));
    fact(
      '300 MB of memory under 128 MB is killed, and the kernel counts it',
      /^oom_kill [1-9]/m.test(fs.readFileSync(`${memory}/memory.oom_control`, 'utf8')),
      `code ${it.code}`,
    );
    await removeGroups(it);
  }
  if (!root) {
    it = await run(holder, [
      'sh',
      '-c',
      'mkdir -p hidden/deep; head -c 20000000 /dev/zero > hidden/deep/file; sync; chmod 0 hidden/deep hidden',
    ]);
    const kilobytes = Number(
      execFileSync('unshare', ['-Ur', 'du', '-skx', `${data}/workspace`], { encoding: 'utf8' }).split('\t')[0],
    );
    fact(
      'polling the workspace from a user namespace of our own sees what lies in folders without permissions',
      kilobytes > 19000,
      `${kilobytes} kB`,
    );
    execFileSync('unshare', ['-Ur', 'rm', '-rf', '--', `${data}/workspace/hidden`]);
    fact('and so it is removed', !fs.existsSync(`${data}/workspace/hidden`));
  }
  // Children ignore SIGTERM, left the session, hold the pipe
  it = await park(holder);
  go(it, ['sh', '-c', FAMILY]);
  await until(() => it.stdout === 'started\n');
  const pids = await until(() => {
    const found = descendants(it.child.pid);
    return found.length >= 8 && found;
  });
  fact('a family of daemons runs', Array.isArray(pids), `${pids.length} processes`);
  const killed = performance.now();
  await kill(it);
  await finish(it);
  fact(
    'killed: outputs end and every process is gone',
    await until(() => !pids.some(alive)),
    `${(performance.now() - killed).toFixed(1)} ms`,
  );
  fact('no exit code is invented', it.code === undefined);
  await removeGroups(it);

  // Throughput and latency
  it = await park(holder);
  let started = performance.now();
  go(it, ['dd', 'if=/dev/zero', 'bs=64k', 'count=8000']);
  await finish(it);
  fact(
    '500 MB through the pipe',
    it.bytes >= 8000 * 65536,
    `${(it.bytes / 1e3 / (performance.now() - started)).toFixed(0)} MB/s`,
  );
  await removeGroups(it);
  const times = [];
  const parks = [];
  for (let i = 0; i < 20; i++) {
    started = performance.now();
    it = await park(holder);
    await until(() => fs.existsSync(`/proc/${it.init}`) && fs.readFileSync(`/proc/${it.init}/comm`, 'utf8') === 'sh\n');
    parks.push(performance.now() - started);
    const first = new Promise((resolve) => {
      it.onData = () => resolve(performance.now());
    });
    started = performance.now();
    go(it, ['echo', 'x']);
    times.push((await first) - started);
    await finish(it);
    await removeGroups(it);
  }
  const median = (values) => values.sort((a, b) => a - b)[values.length >> 1].toFixed(1);
  fact(
    'go to first line',
    true,
    `median ${median(times)} ms, worst ${times.at(-1).toFixed(1)} ms; parking takes ${median(parks)} ms`,
  );

  holder?.stdin.end();
  if (holder) await exited(holder);
}
function descendants(pid) {
  const parents = new Map();
  for (const name of fs.readdirSync('/proc').filter((n) => /^\d+$/.test(n)))
    try {
      parents.set(Number(name), Number(fs.readFileSync(`/proc/${name}/stat`, 'utf8').split(') ').at(-1).split(' ')[1]));
    } catch {
      /* it ended */
    }
  const found = [pid];
  for (const one of found) for (const [child, parent] of parents) if (parent === one) found.push(child);
  return found;
}

/* ---- a server that is killed: a second process of this script parks one launcher and runs one, then gets SIGKILL ---- */
async function serve() {
  const holder = root ? await openHolder() : undefined;
  const parked = await park(holder);
  const running = await park(holder);
  go(running, ['sh', '-c', FAMILY]);
  await until(() => running.stdout === 'started\n');
  const family = await until(() => {
    const found = descendants(running.child.pid);
    return found.length >= 8 && found;
  });
  console.log(
    JSON.stringify({
      server: process.pid,
      home,
      pids: [holder?.pid, ...descendants(parked.child.pid), ...family].filter(Boolean),
      groups: [...parked.groups, ...running.groups],
    }),
  );
  await new Promise(() => {});
}
async function killedServer() {
  const child = spawn(process.execPath, [process.argv[1], 'serve'], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.on('data', (d) => (text += d));
  await until(() => text.includes('"server"'), 10000);
  const told = JSON.parse(text.trim().split('\n').at(-1));
  fact('a second server holds a parked and a running sandbox', told.pids.every(alive), `${told.pids.length} processes`);
  child.kill('SIGKILL');
  await exited(child);
  fact(
    'server killed with -9: every process is gone',
    await until(() => !told.pids.some(alive)),
    told.pids.filter(alive).join(' '),
  );
  if (root)
    fact('its cgroups can be removed by the next start', await removed(told.groups), `${told.groups.length} folders`);
  if (root)
    fact(
      'its loop device is free',
      await until(() => !execFileSync('losetup', ['-a'], { encoding: 'utf8' }).includes(told.home)),
    );
  fs.rmSync(told.home, { recursive: true });
}

if (process.argv[2] === 'serve') await serve();
else {
  try {
    await main();
    await killedServer();
  } finally {
    fs.rmSync(home, { recursive: true, force: true });
  }
  fact('no folder is left', !fs.existsSync(home));
  if (root) {
    fact(
      'no loop device is left',
      await until(() => !execFileSync('losetup', ['-a'], { encoding: 'utf8' }).includes(home)),
      execFileSync('losetup', ['-a'], { encoding: 'utf8' }).trim(),
    );
    fs.rmdirSync(STAGE);
    fact('no mount is left', !fs.readFileSync('/proc/self/mountinfo', 'utf8').includes(STAGE));
    for (const folder of new Set(cgroupFolders('x').map((f) => path.dirname(f)))) {
      try {
        fs.rmdirSync(folder);
      } catch (error) {
        if (error.code !== 'ENOENT') fact('no cgroup is left', false, `${folder} ${error.code}`);
      }
    }
  }
  const left = fs
    .readdirSync('/proc')
    .filter((n) => /^\d+$/.test(n))
    .filter((n) => {
      try {
        return fs.readFileSync(`/proc/${n}/cmdline`, 'utf8').includes('ergon-prove/');
      } catch {
        return false;
      }
    });
  fact('no process is left', left.length === 0, left.join(' '));
  console.log(failures === 0 ? `all facts hold (${root ? 'root' : 'user'})` : `${failures} facts do not hold`);
  process.exit(failures === 0 ? 0 : 1);
}
