// Inside of the virtual machine, where unit.sh has installed the unit: what systemd, the journal and a caller see of it.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';

const unit = 'ergon-sandbox-api.service';
const api = 'http://127.0.0.1:8102/api/ergon';
const token = readFileSync('/etc/ergon-sandbox/token', 'utf8');
const environment = '/etc/ergon-sandbox/environment';
/** An emulated processor takes its time. */
const patienceMs = 300_000;

const run = (command, ...args) => execFileSync(command, args, { encoding: 'utf8' });
const property = (name) => run('systemctl', 'show', '--value', '--property', name, unit).trim();
const journal = () => run('journalctl', '--no-pager', '--output=cat', '--unit', unit);

async function until(holds) {
  const end = Date.now() + patienceMs;
  while (!(await holds())) {
    assert.ok(Date.now() < end, `This did not come true: ${holds}`);
    await delay(200);
  }
}

async function call(method, path, body, bearer = token) {
  // Of one connection each, since the server ends and starts between them.
  const headers = { 'Content-Type': 'application/json', Authorization: `Bearer ${bearer}`, Connection: 'close' };
  const response = await fetch(api + path, { method, headers, ...(body && { body: JSON.stringify(body) }) });
  return { status: response.status, body: await response.json() };
}

async function ok(...request) {
  const { status, body } = await call(...request);
  assert.equal(status, 200, JSON.stringify(body));
  return body;
}

const answers = () =>
  call('GET', '/sandbox/health').then(
    ({ status }) => status === 200,
    () => false,
  );

async function start(verb = 'start') {
  run('systemctl', verb, unit);
  await until(answers);
}

/** Opens a sandbox in which a shell script runs. */
async function open(code, limits = {}) {
  const content = { main_file: 'main.sh', code };
  const { id } = await ok('POST', '/registry/store', { type: 'solution', name: 'unit', version: '1', content });
  return ok('POST', '/sandbox/test', { solution_id: id, run: true, ...limits });
}

const result = ({ sandbox_id }, wait = 0) => ok('GET', `/sandbox/results/${sandbox_id}?wait=${wait}`);

/** What is there of the unit while it does not run. */
function left() {
  const processes = run('ps', '-eo', 'args')
    .split('\n')
    .filter((line) => /sandbox-api|bwrap/.test(line));
  const groups = run('find', '/sys/fs/cgroup', '-path', `*${unit}*`).split('\n').filter(Boolean);
  const sandboxes = readdirSync('/var/lib/private/ergon-sandbox/sandboxes');
  return [...processes, ...groups, ...sandboxes];
}

after(() => {
  run('systemctl', 'stop', unit);
  console.log(journal());
});

test('systemd finds nothing to complain of in the unit, and calls its exposure OK', () => {
  const { status, stdout, stderr } = spawnSync('systemd-analyze', ['verify', unit], { encoding: 'utf8' });
  assert.deepEqual({ status, complaints: stdout + stderr }, { status: 0, complaints: '' });
  assert.match(run('systemd-analyze', 'security', '--no-pager', unit), /exposure level for .*: [0-3]\.\d OK/);
});

test('it starts, and answers who has the token and nobody else', async () => {
  await start();
  assert.equal(property('ActiveState'), 'active');
  assert.equal((await call('GET', '/sandbox/health', undefined, 'another-token-than-its-own')).status, 401);
  assert.equal((await ok('GET', '/sandbox/health')).providers['sandbox-exec'], true);
});

test('it is an ordinary user that is made up for it, has no capabilities and can get none', () => {
  const status = readFileSync(`/proc/${property('MainPID')}/status`, 'utf8');
  const field = (name) => new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(status)?.[1];
  const uid = Number(field('Uid').split('\t')[0]);
  assert.ok(uid >= 61_184 && uid <= 65_519, `${uid} is no id of DynamicUser`);
  for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'])
    assert.equal(BigInt(`0x${field(set)}`), 0n, set);
  assert.equal(field('NoNewPrivs'), '1');
  assert.equal(field('Seccomp'), '2');
  const data = statSync('/var/lib/private/ergon-sandbox');
  assert.deepEqual({ uid: data.uid, mode: data.mode & 0o777 }, { uid, mode: 0o700 });
});

test('it runs a solution, whose output and exit code are told', async () => {
  const opened = await open('echo "$((6 * 7))"; echo oh >&2; exit 3');
  assert.equal(opened.provider, 'sandbox-exec');
  const { status, exit_code, stdout, stderr } = await result(opened, 60);
  assert.deepEqual(
    { status, exit_code, stdout, stderr },
    { status: 'failed', exit_code: 3, stdout: '42\n', stderr: 'oh\n' },
  );
  await ok('DELETE', `/sandbox/${opened.sandbox_id}`);
});

test("limits of memory and processes are the kernel's, in groups below its own", async () => {
  const providers = await ok('GET', '/sandbox/providers');
  const { memory, pids, cpu } = providers['sandbox-exec'].capabilities.limits;
  assert.deepEqual({ memory, pids, cpu }, { memory: 'hard', pids: 'hard', cpu: 'hard' });
  const opened = await open('tail /dev/zero', { memory_limit: '64m' });
  const { status, limits_hit } = await result(opened, 60);
  assert.deepEqual({ status, limits: limits_hit.map(({ limit }) => limit) }, { status: 'failed', limits: ['memory'] });
  await ok('DELETE', `/sandbox/${opened.sandbox_id}`);
});

test('a restart ends what runs, in order, and keeps what was stored', async () => {
  const opened = await open('echo begun; sleep 600');
  await until(async () => (await result(opened)).status === 'running');
  await start('restart');
  const { status, cause } = await result(opened);
  assert.deepEqual({ status, cause }, { status: 'stopped', cause: 'stopped' });
  assert.deepEqual(await ok('GET', '/sandbox/active'), []);
});

test('when it is killed it comes back, and nothing stays of what ran', async () => {
  const opened = await open('echo begun; sleep 601');
  await until(async () => (await result(opened)).status === 'running');
  const killed = property('MainPID');
  process.kill(Number(killed), 'SIGKILL');
  await until(async () => property('MainPID') !== killed && (await answers()));
  assert.equal((await result(opened)).cause, 'lost');
  assert.ok(!run('ps', '-eo', 'args').includes('sleep 601'));
});

test('the journal has its log, without the token', () => {
  assert.match(journal(), /Listening on http:\/\/127\.0\.0\.1:8102/);
  assert.ok(!journal().includes(token));
});

test('it stops in order, and nothing is left but its data', async () => {
  const opened = await open('echo begun; sleep 602');
  await until(async () => (await result(opened)).status === 'running');
  run('systemctl', 'stop', unit);
  assert.equal(property('ActiveState'), 'inactive');
  assert.equal(property('Result'), 'success');
  assert.equal(property('ExecMainStatus'), '0');
  assert.deepEqual(left(), []);
});

test('a bad value in /etc/ergon-sandbox/environment keeps it from starting, once, and the journal names it', async () => {
  run('systemctl', 'stop', unit);
  writeFileSync(environment, 'ERGON_SANDBOX_PORT=many\n');
  try {
    run('systemctl', 'start', unit);
    await until(() => journal().includes('ERGON_SANDBOX_PORT: must be a whole number'));
    await until(() => property('ActiveState') === 'failed');
    assert.deepEqual([property('ExecMainStatus'), property('NRestarts')], ['78', '0']);
    assert.equal(await answers(), false);
  } finally {
    run('systemctl', 'stop', unit);
    rmSync(environment);
  }
});
