import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { commandLine, quote } from './shell.js';

test('whatever a word holds, a shell reads it as it is', () => {
  const word = fc.string({ unit: 'binary', maxLength: 40 }).map((text) => text.replaceAll('\0', ''));
  fc.assert(
    fc.property(fc.array(word, { maxLength: 5 }), (words) => {
      const read = execFileSync('/bin/sh', ['-c', `printf '%s\\0' ${commandLine(['x', ...words])}`], {
        encoding: 'utf8',
      });
      expect(read).toBe(['x', ...words].map((each) => `${each}\0`).join(''));
    }),
    { numRuns: 60 },
  );
});

test('an apostrophe is closed, escaped, and opened again', () => {
  expect(quote("it's")).toBe(`'it'\\''s'`);
});
