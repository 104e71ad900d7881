import { limitsMet, nothingCounted, usageBetween } from './account.js';
import { parseCounters } from './holder.js';

const v1 = [
  'memory/memory.oom_control oom_kill_disable 0',
  'memory/memory.oom_control under_oom 0',
  'memory/memory.oom_control oom_kill 2',
  'memory/memory.usage_in_bytes 5000000',
  'memory/memory.max_usage_in_bytes 9000000',
  'memory/memory.stat inactive_file 1',
  'memory/memory.stat total_inactive_file 1000000',
  'pids/pids.current 7',
  'pids/pids.events max 3',
  'cpuacct/cpuacct.usage 1500000000',
  '.',
].join('\n');
const v2 = [
  'memory.events low 0',
  'memory.events oom 1',
  'memory.events oom_kill 1',
  'memory.current 5000000',
  'memory.peak 8000000',
  'memory.stat inactive_file 2000000',
  'pids.current 6',
  'pids.events max 0',
  'cpu.stat usage_usec 250000',
  '.',
].join('\n');

test('the counters of cgroup v1 and v2 are read alike', () => {
  expect(parseCounters(v1)).toEqual({
    oomKills: 2,
    oomSource: 'memory.oom_control',
    pidsRefused: 3,
    cpuTimeMs: 1500,
    memoryBytes: 4_000_000,
    memoryPeakBytes: 9_000_000,
    pids: 7,
  });
  expect(parseCounters(v2)).toEqual({
    oomKills: 1,
    oomSource: 'memory.events',
    pidsRefused: 0,
    cpuTimeMs: 250,
    memoryBytes: 3_000_000,
    memoryPeakBytes: 8_000_000,
    pids: 6,
  });
});

test('what is not told is null, and no zero', () => {
  expect(parseCounters('.\n')).toEqual({ ...nothingCounted, oomSource: 'memory.oom_control' });
  expect(usageBetween(nothingCounted, nothingCounted, 5, null)).toEqual({
    cpuTimeMs: null,
    memoryBytes: null,
    memoryPeakBytes: null,
    pids: null,
    diskBytes: null,
  });
});

test('a run’s usage and limits are the difference to what was before it', () => {
  const before = { ...parseCounters(v1), oomKills: 1, cpuTimeMs: 500, pidsRefused: 3 };
  expect(usageBetween(before, parseCounters(v1), 5, 42)).toMatchObject({ cpuTimeMs: 1000, pids: 2, diskBytes: 42 });
  const limits = { memoryBytes: 9_000_000, pids: 5 } as Parameters<typeof limitsMet>[2];
  expect(limitsMet(before, parseCounters(v1), limits, true)).toEqual([
    { limit: 'memory', value: 9_000_000, evidence: 'oom_kill 1 in memory.oom_control' },
  ]);
  expect(limitsMet(before, nothingCounted, limits, true)).toEqual([
    { limit: 'memory', value: 9_000_000, evidence: 'State.OOMKilled of the container' },
  ]);
  expect(limitsMet(before, before, limits, false)).toEqual([]);
});
