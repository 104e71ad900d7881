import fc from 'fast-check';
import { MarkerScanner } from './marker.js';

const NONCE = '\x1e0123456789ABCDEF';

function scan(all: Buffer, cuts: readonly number[]): { output: string; words: string[] } {
  const scanner = new MarkerScanner(NONCE);
  const places = [0, ...cuts.filter((cut) => cut < all.length).sort((a, b) => a - b), all.length];
  const parts = places.slice(1).map((end, index) => scanner.push(all.subarray(places[index], end)));
  return {
    output: Buffer.concat([...parts.map(({ output }) => output), scanner.end()]).toString('latin1'),
    words: parts.flatMap(({ words }) => words),
  };
}

/** Output that is as near to a marker as it can be without being one. */
const near = fc.oneof(
  fc.string({ unit: 'binary-ascii', maxLength: 10 }),
  fc.nat({ max: NONCE.length - 1 }).map((length) => NONCE.slice(0, length)),
  fc.constantFrom('\x1e', '\x1e\x1e', '\n', `${NONCE}${'z'.repeat(80)}`),
);

test('wherever the stream is cut, markers are found and taken out, and every other byte stays', () => {
  fc.assert(
    fc.property(
      fc.array(near, { maxLength: 6 }),
      fc.array(near, { maxLength: 6 }),
      fc.array(fc.nat({ max: 400 }), { maxLength: 20 }),
      (before, after, cuts) => {
        const [head, tail] = [before.join(''), `.${after.join('')}`];
        fc.pre(!`${head}${tail}`.includes(NONCE) || /z{80}/.test(`${head}${tail}`));
        fc.pre(
          [head, tail].every((part) =>
            part
              .split(NONCE)
              .slice(1)
              .every((rest) => rest.startsWith('z'.repeat(80))),
          ),
        );
        const all = Buffer.from(`${head}${NONCE} E 0 1\n${tail}`, 'latin1');
        expect(scan(all, cuts)).toEqual({ output: `${head}${tail}`, words: ['E 0 1'] });
      },
    ),
  );
});

test('a marker on a terminal, where a line ends with CR and LF, is one', () => {
  expect(scan(Buffer.from(`$ ${NONCE} E 130 1\r\n`), [])).toEqual({ output: '$ ', words: ['E 130 1'] });
});

test('output is held back only while it may be the beginning of a marker', () => {
  const scanner = new MarkerScanner(NONCE);
  expect(scanner.push(Buffer.from('prompt> ')).output.toString()).toBe('prompt> ');
  expect(scanner.push(Buffer.from(`a${NONCE.slice(0, 5)}`)).output.toString()).toBe('a');
  expect(scanner.push(Buffer.from('!')).output.toString()).toBe(`${NONCE.slice(0, 5)}!`);
});
