import { containerConfig, hostConfig, type ContainerPlan } from './config.js';
import { programVariables, SYSTEM_PATH } from './environment.js';

const MiB = 1 << 20;
const plan: ContainerPlan = {
  image: {
    reference: 'python:3-slim',
    arch: 'x64',
    id: 'sha256:1',
    environment: ['PATH=/opt/bin:/bin', 'LD_LIBRARY_PATH=/workspace', 'WORD=a=b', 'LANG=x'],
    volumes: ['/data'],
  },
  engine: { cgroupVersion: 1, cpus: 2, memoryBytes: 1e10, swapLimit: true, outlived: false },
  limits: {
    memoryBytes: 64 * MiB,
    cpus: 1.5,
    pids: 64,
    diskBytes: MiB,
    openFiles: 256,
    fileBytes: 3 * MiB,
    outputBytes: MiB,
    timeoutMs: 1000,
  },
  identity: { program: 1_900_000_000, holder: 1_900_000_001 },
  labels: { a: 'b' },
  mounts: [
    { volume: 'w', target: '/workspace', readOnly: false },
    { volume: 's', target: '/solution', readOnly: true },
  ],
  networkMode: 'none',
  seccomp: '{}',
};

test('what a container of a program is, on cgroup v1', () => {
  expect(hostConfig(plan)).toMatchObject({
    Init: true,
    Privileged: false,
    CapDrop: ['ALL'],
    SecurityOpt: ['no-new-privileges', 'seccomp={}'],
    ReadonlyRootfs: true,
    NetworkMode: 'none',
    IpcMode: 'private',
    CgroupnsMode: 'private',
    Memory: 64 * MiB,
    MemorySwap: 64 * MiB,
    MemorySwappiness: 0,
    NanoCpus: 1.5e9,
    PidsLimit: 69,
    LogConfig: { Type: 'none', Config: {} },
    Ulimits: [
      { Name: 'nofile', Soft: 256, Hard: 256 },
      { Name: 'fsize', Soft: 3 * MiB, Hard: 3 * MiB },
      { Name: 'core', Soft: 1, Hard: 1 },
    ],
    Mounts: [
      { Type: 'volume', Source: 'w', Target: '/workspace', ReadOnly: false, VolumeOptions: { NoCopy: true } },
      { Type: 'volume', Source: 's', Target: '/solution', ReadOnly: true },
    ],
  });
  expect(hostConfig(plan)).not.toHaveProperty('Binds');
  expect(containerConfig(plan)).toMatchObject({
    Image: 'sha256:1', // what was looked at, though the name be moved
    User: '1900000001:1900000001',
    Env: [`PATH=${SYSTEM_PATH}`, 'HOME=/home/sandbox', 'LANG=C.UTF-8', 'LD_LIBRARY_PATH', 'WORD'],
    WorkingDir: '/',
    Healthcheck: { Test: ['NONE'] },
    Hostname: 'sandbox',
    StdinOnce: true,
    Labels: { a: 'b' },
  });
});

test('a program has its image’s variables, but for the places that are ours', () => {
  expect(programVariables(plan.image.environment)).toEqual({
    PATH: '/opt/bin:/bin:/run/ergon',
    LD_LIBRARY_PATH: '/workspace',
    WORD: 'a=b',
    LANG: 'C.UTF-8',
    HOME: '/home/sandbox',
  });
  expect(programVariables(['not.a.name=x', 'A=1\n2'])).toMatchObject({ PATH: `${SYSTEM_PATH}:/run/ergon`, A: '1\n2' });
  expect(programVariables(['not.a.name=x'])).not.toHaveProperty(['not.a.name']);
});

test('a volume of an image has no temporary folder where a mount of ours takes its place, however it is written', () => {
  const volumes = ['/workspace', '/solution/', '/./data/', '/Workspace', '/tmp/'];
  const { Tmpfs } = hostConfig({ ...plan, image: { ...plan.image, volumes } });
  expect(Object.keys(Tmpfs ?? {}).sort()).toEqual(['/Workspace', '/data', '/home/sandbox', '/run/ergon', '/tmp']);
});

test('cgroup v2 has no swappiness, and a kernel without accounting of swap is asked for none', () => {
  const { engine } = plan;
  expect(hostConfig({ ...plan, engine: { ...engine, cgroupVersion: 2 } })).not.toHaveProperty('MemorySwappiness');
  const unaccounted = hostConfig({ ...plan, engine: { ...engine, swapLimit: false } });
  expect(unaccounted).not.toHaveProperty('MemorySwap');
  expect(unaccounted).not.toHaveProperty('MemorySwappiness');
});

test('a container that joins a network has no host name of its own, and never a host’s namespace', () => {
  const joined = containerConfig({ ...plan, networkMode: 'container:abc' });
  expect(joined).not.toHaveProperty('Hostname');
  expect(joined.HostConfig).toMatchObject({ NetworkMode: 'container:abc' });
  for (const mode of ['PidMode', 'UTSMode', 'UsernsMode', 'Devices', 'CapAdd', 'Binds', 'VolumesFrom']) {
    expect(joined.HostConfig).not.toHaveProperty(mode);
  }
});

test('CPUs are no more than the engine has', () => {
  expect(hostConfig({ ...plan, limits: { ...plan.limits, cpus: 64 } }).NanoCpus).toBe(2e9);
});
