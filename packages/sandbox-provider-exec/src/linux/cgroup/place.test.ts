import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { layoutOf, recordedPlace, recordPlace, type CgroupPlace } from './place.js';

const v1: CgroupPlace = { version: 1, hierarchies: { memory: '/m', pids: '/p', cpu: '/c', cpuacct: '/c' } };
const v2: CgroupPlace = { version: 2, parent: '/sys/fs/cgroup/x.service' };

test('each launch has its group below those of its server', () => {
  expect(layoutOf(v2, 'server', 'box-1').folders).toEqual(['/sys/fs/cgroup/x.service/ergon-sandbox/server/box-1']);
  expect(layoutOf(v1, 'server', 'box-1').folders).toEqual([
    '/m/ergon-sandbox/server/box-1',
    '/p/ergon-sandbox/server/box-1',
    '/c/ergon-sandbox/server/box-1', // two controllers that are mounted together
  ]);
});

test('what is written down is read again; what is not there, cut off or something else is nothing', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ergon-place-'));
  try {
    expect(recordedPlace(folder)).toBeNull();
    for (const place of [v1, v2]) {
      recordPlace(folder, place);
      expect(recordedPlace(folder)).toEqual(place);
    }
    for (const value of [
      null,
      { version: 3, parent: '/x' },
      { version: 2, parent: 'x' },
      { version: 1, hierarchies: { memory: '/m' } },
    ]) {
      writeFileSync(join(folder, 'cgroups.json'), JSON.stringify(value));
      expect(recordedPlace(folder)).toBeNull();
    }
    for (const text of ['', '{"version":2,"par']) {
      writeFileSync(join(folder, 'cgroups.json'), text);
      expect(recordedPlace(folder)).toBeNull();
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});
