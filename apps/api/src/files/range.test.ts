import { parseRange } from './range.js';

test.each([
  [undefined, null],
  ['bytes=0-4', { offset: 0, length: 5 }],
  ['bytes=4-', { offset: 4, length: 6 }],
  ['bytes=-3', { offset: 7, length: 3 }],
  ['bytes=-30', { offset: 0, length: 10 }],
  ['bytes=8-30', { offset: 8, length: 2 }],
  ['bytes= 0 - 0', { offset: 0, length: 1 }],
  ['bytes=10-', 'unsatisfiable'],
  ['bytes=10-20', 'unsatisfiable'],
  ['bytes=-0', 'unsatisfiable'],
  ['bytes=5-4', null],
  ['bytes=-', null],
  ['bytes=0-1,3-4', null],
  ['lines=0-1', null],
  ['bytes=a-b', null],
  ['bytes=99999999999999999999-', null],
])('of ten bytes, %s is %j', (header, range) => {
  expect(parseRange(header, 10)).toEqual(range);
});

test('of an empty file there is no part', () => {
  expect(parseRange('bytes=0-0', 0)).toBe('unsatisfiable');
  expect(parseRange(undefined, 0)).toBeNull();
});
