import { newInstanceId } from '@ergon/sandbox-core';
import { assertSafeName, makerIsDead } from './names.js';
import { processStart } from '../linux/processes.js';

const [boot = ''] = newInstanceId().split('-');
const start = processStart(process.pid) ?? 0;

test('a maker is dead only if it ran since this boot and its process is gone', () => {
  expect(makerIsDead(`${boot}-${process.pid}-${start}-abcd`)).toBe(false);
  expect(makerIsDead(`${boot}-${process.pid}-${start + 1}-abcd`)).toBe(true); // its pid was given to another
  expect(makerIsDead(`${boot}-4194303-5-abcd`)).toBe(true);
  expect(makerIsDead(`00000000-4194303-5-abcd`)).toBe(false); // another boot, or another machine
  expect(makerIsDead('something-else')).toBe(false);
});

test.each(['a', 'A-b_9', '530dfb8d-8c57-4d45-88b8-2267fd6b1c3d'])('%s can be a name', (id) => {
  expect(() => assertSafeName('sandbox id', id)).not.toThrow();
});

test.each(['', '.', '..', '-a', '_a', 'a/b', 'a b', 'a\n', 'ü', 'x'.repeat(129)])('%j cannot', (id) => {
  expect(() => assertSafeName('sandbox id', id)).toThrow(expect.objectContaining({ code: 'SANDBOX008' }) as Error);
});
