import { ImageList } from './images.js';
import { capabilitiesOf, judge, probeEngine } from './probe.js';
import { Engine } from './engine/engine.js';
import Dockerode from 'dockerode';

const info = {
  OSType: 'linux',
  ServerVersion: '27.1.0',
  SecurityOptions: ['name=seccomp,profile=builtin', 'name=cgroupns'],
  MemoryLimit: true,
  SwapLimit: true,
  PidsLimit: true,
  CpuCfsQuota: true,
  CgroupVersion: '2',
  NCPU: 8,
  MemTotal: 16_000_000_000,
  Architecture: 'aarch64',
  Driver: 'overlay2',
  OperatingSystem: 'Debian',
};
const version = { ApiVersion: '1.46' };
const none = new ImageList([]);

test('a fit engine is told truthfully: platform, limits, machine', () => {
  const engine = judge(info, version, none);
  if ('available' in engine) throw new Error(engine.reason);
  expect(engine.facts).toMatchObject({ cgroupVersion: 2, cpus: 8, swapLimit: true });
  const capabilities = capabilitiesOf(engine, ['none'], false);
  expect(capabilities).toMatchObject({
    isolation: 'container',
    platforms: ['linux/arm64'],
    limits: { memory: 'hard', cpu: 'hard', pids: 'hard', disk: 'best-effort' },
    machine: { cpus: 8, memoryBytes: 16_000_000_000 },
    details: { engine: '27.1.0', api: '1.46', cgroup: 'v2' },
  });
});

test('a limit that the engine cannot keep is not claimed', () => {
  const engine = judge({ ...info, SwapLimit: false, CpuCfsQuota: false }, version, none);
  if ('available' in engine) throw new Error(engine.reason);
  expect(capabilitiesOf(engine, ['none'], false).limits).toMatchObject({ memory: 'best-effort', cpu: 'none' });
});

test.each([
  ['Windows containers', { OSType: 'windows' }, version, /runs windows containers/, /Linux containers/],
  ['an engine of 2019', {}, { ApiVersion: '1.40' }, /speaks API 1\.40; 1\.41 is needed/, /20\.10 or newer/],
  ['no seccomp', { SecurityOptions: ['name=apparmor'] }, version, /no seccomp/, /CONFIG_SECCOMP_FILTER/],
  ['no limit of processes', { PidsLimit: false }, version, /cannot limit the processes/, /controllers/],
  [
    'no limit of memory, rootless',
    { MemoryLimit: false, SecurityOptions: ['name=seccomp', 'name=rootless'] },
    version,
    /cannot limit the memory/,
    /Delegate=/,
  ],
])('%s: not available, with a reason and a fix', (_, changed, its, reason, fix) => {
  expect(judge({ ...info, ...changed }, its, none)).toMatchObject({
    available: false,
    reason: expect.stringMatching(reason) as string,
    fix: expect.stringMatching(fix) as string,
  });
});

test('an engine that maps users is known by what it says', () => {
  expect(judge({ ...info, SecurityOptions: ['name=seccomp', 'name=userns'] }, version, none)).toMatchObject({
    mapsUsers: true,
  });
  expect(judge(info, version, none)).toMatchObject({ mapsUsers: false });
});

test('an engine that containers outlive is known, and told with what becomes of them', () => {
  const engine = judge({ ...info, LiveRestoreEnabled: true }, version, none);
  if ('available' in engine) throw new Error(engine.reason);
  expect(engine.facts.outlived).toBe(true);
  expect(engine.details.liveRestore).toBe('a lost program ends within a minute');
  expect(judge(info, version, none)).toMatchObject({ facts: { outlived: false } });
});

test('where no engine is, the probe says how to have one', async () => {
  const nowhere = new Engine(new Dockerode({ socketPath: '/nowhere/docker.sock' }));
  expect(await probeEngine(nowhere, '/nowhere/docker.sock')).toEqual({
    available: false,
    reason: 'No Docker engine answers at /nowhere/docker.sock.',
    fix: expect.stringMatching(/systemctl start docker/) as string,
  });
});
