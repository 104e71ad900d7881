import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { SandboxLimits } from '@ergon/sandbox-core';
import { TreeMeter } from './tree.js';

const limits: SandboxLimits = {
  memoryBytes: Number.MAX_SAFE_INTEGER,
  cpus: 1,
  pids: 64,
  diskBytes: 0,
  openFiles: 0,
  fileBytes: 0,
  outputBytes: 0,
  timeoutMs: 0,
};

test('a peak is what was seen of the program: none where its init was alone, or gone', async () => {
  const init = spawn('/bin/sh', ['-c', 'echo up; read -r _; sleep 100 & echo running; wait'], { detached: true });
  const pid = init.pid ?? 0;
  const meter = new TreeMeter(pid, limits);
  try {
    await once(init.stdout, 'data');
    meter.start();
    expect(await meter.look()).toBeNull();
    expect(meter.memoryPeakBytes).toBeNull();
    init.stdin.write('\n');
    await once(init.stdout, 'data');
    expect(await meter.look()).toBeNull();
    expect(meter.memoryPeakBytes).toBeGreaterThan(10_000);
    expect(meter.tasks).toBe(1);
  } finally {
    process.kill(-pid, 'SIGKILL');
    await once(init, 'exit');
  }
  const late = new TreeMeter(pid, limits);
  expect(await late.look()).toBeNull();
  expect(late.memoryPeakBytes).toBeNull();
});
