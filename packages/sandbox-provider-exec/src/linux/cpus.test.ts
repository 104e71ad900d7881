import { parseCpuList, someCpus } from './cpus.js';

test('lists of CPUs', () => {
  expect(parseCpuList('0-2,5,7-8')).toEqual([0, 1, 2, 5, 7, 8]);
  expect(parseCpuList('3')).toEqual([3]);
  const list = someCpus([0, 1, 2, 5], 2.5).split(',').map(Number);
  expect(new Set(list).size).toBe(3);
  expect([0, 1, 2, 5]).toEqual(expect.arrayContaining(list));
  expect(someCpus([4, 6], 99).split(',').sort()).toEqual(['4', '6']);
});
