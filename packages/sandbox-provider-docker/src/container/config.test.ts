import { containerConfig, hostConfig, type ContainerPlan } from './config.js';

const MiB = 1 << 20;
const plan: ContainerPlan = {
  image: { reference: 'python:3-slim', id: 'sha256:1', path: '/opt/bin:/bin', volumes: ['/data'] },
  engine: { cgroupVersion: 1, cpus: 2, memoryBytes: 1e10, cgroupNamespaces: true, swapLimit: true },
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
    Env: ['PATH=/opt/bin:/bin:/run/ergon', 'HOME=/home/sandbox', 'LANG=C.UTF-8'],
    Healthcheck: { Test: ['NONE'] },
    Hostname: 'sandbox',
    StdinOnce: true,
    Labels: { a: 'b' },
  });
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
