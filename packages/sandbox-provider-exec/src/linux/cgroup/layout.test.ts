import { layoutV1, layoutV2 } from './layout.js';

const limits = {
  memoryBytes: 100_000_000.7,
  cpus: 1.5,
  pids: 20,
  diskBytes: 0,
  openFiles: 0,
  fileBytes: 0,
  outputBytes: 0,
  timeoutMs: 0,
};

test('v2: the limits are files of one folder; the two processes of our own are allowed besides', () => {
  const { memory, others, highMemory } = layoutV2('/g');
  const settings = [...memory(limits.memoryBytes), ...others(limits)];
  expect([5, null].map((bytes) => highMemory?.(bytes))).toEqual([
    { file: '/g/memory.high', value: '4096', optional: false },
    { file: '/g/memory.high', value: 'max', optional: false },
  ]);
  expect(settings.map(({ file, value }) => `${file} ${value}`)).toEqual([
    '/g/memory.max 100000000',
    '/g/memory.swap.max 0',
    '/g/pids.max 22',
    '/g/cpu.max 150000 100000',
  ]);
  expect(settings.flatMap(({ file, optional }) => (optional ? [file] : []))).toEqual(['/g/memory.swap.max']);
});

test('v1: each controller has its folder, and swap is limited together with memory', () => {
  const { memory, others } = layoutV1({ memory: '/m', pids: '/p', cpu: '/c', cpuacct: '/c' });
  const settings = [...memory(limits.memoryBytes), ...others(limits)];
  expect(settings.map(({ file, value }) => `${file} ${value}`)).toEqual([
    '/m/memory.limit_in_bytes 100000000',
    '/m/memory.memsw.limit_in_bytes 100000000',
    '/m/memory.swappiness 0',
    '/p/pids.max 22',
    '/c/cpu.cfs_period_us 100000',
    '/c/cpu.cfs_quota_us 150000',
  ]);
});

test('v2: a kill at the own limit is proven by two counters; one for a limit above, or for the machine, is none', () => {
  const { memoryEvidence } = layoutV2('/g');
  const events = (oom: number, kills: number): string =>
    `low 0\nhigh 0\nmax 31\noom ${oom}\noom_kill ${kills}\noom_group_kill 0\n`;
  expect(memoryEvidence(events(1, 3))).toBe('oom 1, oom_kill 3 in memory.events');
  expect(memoryEvidence('low 0\nhigh 0\nmax 3\noom 1\noom_kill 2\n')).toBe('oom 1, oom_kill 2 in memory.events'); // before Linux 5.17
  expect(memoryEvidence(events(0, 3))).toBeNull();
  expect(memoryEvidence(events(1, 0))).toBeNull();
});

test('v1: a kill is proven by one counter', () => {
  const { memoryEvidence } = layoutV1({ memory: '/m', pids: '/p', cpu: '/c', cpuacct: '/c' });
  const text = (kills: number): string => `oom_kill_disable 0\nunder_oom 0\noom_kill ${kills}\n`;
  expect(memoryEvidence(text(2))).toBe('oom_kill 2 in memory.oom_control');
  expect(memoryEvidence(text(0))).toBeNull();
});
