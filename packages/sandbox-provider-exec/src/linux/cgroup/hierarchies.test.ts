import { parseHierarchies, parseUnified } from './hierarchies.js';

const mounted = (controllers: string, { root = '/', at = `/sys/fs/cgroup/${controllers}` } = {}): string =>
  `32 31 0:29 ${root} ${at} rw,relatime shared:9 - cgroup cgroup rw,${controllers}`;
const separate = ['cpu', 'cpuacct', 'memory', 'pids', 'freezer'];

test('controllers that are mounted one by one, in groups of their own', () => {
  const cgroup = '4:memory:/some/group\n3:pids:/\n2:cpuacct:/\n1:cpu:/\n0::/\n';
  expect(parseHierarchies(separate.map((name) => mounted(name)).join('\n'), cgroup)).toEqual({
    memory: '/sys/fs/cgroup/memory/some/group',
    pids: '/sys/fs/cgroup/pids',
    cpu: '/sys/fs/cgroup/cpu',
    cpuacct: '/sys/fs/cgroup/cpuacct',
  });
});

test('controllers that are mounted together share a folder', () => {
  const mountinfo = [mounted('cpu,cpuacct'), mounted('memory'), mounted('pids')].join('\n');
  const cgroup = '5:cpu,cpuacct:/user.slice\n4:memory:/user.slice\n3:pids:/user.slice/x\n1:name=systemd:/\n';
  expect(parseHierarchies(mountinfo, cgroup)).toEqual({
    memory: '/sys/fs/cgroup/memory/user.slice',
    pids: '/sys/fs/cgroup/pids/user.slice/x',
    cpu: '/sys/fs/cgroup/cpu,cpuacct/user.slice',
    cpuacct: '/sys/fs/cgroup/cpu,cpuacct/user.slice',
  });
});

test("a container's mount shows its own group at the top", () => {
  const mountinfo = separate.map((name) => mounted(name, { root: '/docker/abc' })).join('\n');
  const cgroup = separate.map((name, index) => `${index + 1}:${name}:/docker/abc`).join('\n');
  expect(parseHierarchies(mountinfo, cgroup)?.memory).toBe('/sys/fs/cgroup/memory');
});

test('a group that lies outside of what is mounted is no place', () => {
  const mountinfo = separate.map((name) => mounted(name, { root: '/docker/abc' })).join('\n');
  const cgroup = separate.map((name, index) => `${index + 1}:${name}:/elsewhere`).join('\n');
  expect(parseHierarchies(mountinfo, cgroup)).toBeNull();
});

test('a mount point with a space', () => {
  const mountinfo = separate.map((name) => mounted(name, { at: `/sys/my\\040groups/${name}` })).join('\n');
  const cgroup = separate.map((name, index) => `${index + 1}:${name}:/`).join('\n');
  expect(parseHierarchies(mountinfo, cgroup)?.pids).toBe('/sys/my groups/pids');
});

test('cgroup v2, or a controller that is missing, is none', () => {
  expect(parseHierarchies('31 23 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw', '0::/user.slice')).toBeNull();
  const cgroup = separate.map((name, index) => `${index + 1}:${name}:/`).join('\n');
  expect(
    parseHierarchies(
      separate
        .filter((name) => name !== 'pids')
        .map((name) => mounted(name))
        .join('\n'),
      cgroup,
    ),
  ).toBeNull();
});

const unified = (root = '/', at = '/sys/fs/cgroup'): string =>
  `31 23 0:28 ${root} ${at} rw,nosuid - cgroup2 cgroup2 rw,nsdelegate`;

test("v2: the top that is seen, and this process's own group", () => {
  expect(parseUnified(unified(), '0::/user.slice/user-1000.slice/session-3.scope\n')).toEqual({
    top: '/sys/fs/cgroup',
    own: '/sys/fs/cgroup/user.slice/user-1000.slice/session-3.scope',
  });
  expect(parseUnified(unified(), '0::/\n')).toEqual({ top: '/sys/fs/cgroup', own: '/sys/fs/cgroup' });
});

test('v2: a container sees its own group at the top; one that lies outside of what is mounted is none', () => {
  expect(parseUnified(unified('/docker/abc'), '0::/docker/abc\n')?.own).toBe('/sys/fs/cgroup');
  expect(parseUnified(unified('/docker/abc'), '0::/../elsewhere\n')).toBeNull();
  expect(parseUnified('', '0::/\n')).toBeNull();
  expect(parseUnified(unified(), '1:memory:/\n')).toBeNull();
});
