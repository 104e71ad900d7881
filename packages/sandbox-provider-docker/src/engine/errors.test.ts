import { EngineFailure } from './errors.js';

test('an engine’s words are told without the paths of its host', () => {
  const id = 'a'.repeat(64);
  const said = `failed to write "500": write /sys/fs/cgroup/cpu/docker/${id}/cpu.cfs_quota_us: invalid argument`;
  const failure = new EngineFailure('start a container', Object.assign(new Error(said), { statusCode: 500 }));
  expect(failure.message).toBe(
    'Could not start a container. The Docker engine refused: failed to write "500": write …: invalid argument.',
  );
  const missing = Object.assign(new Error('exec: "/bin/sh": stat /bin/sh: no such file'), { statusCode: 400 });
  expect(new EngineFailure('start', missing).message).toMatch(/stat \/bin\/sh: no such file/);
});
