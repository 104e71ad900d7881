import fc from 'fast-check';
import { ArrayParser } from './array-parser.js';

const events = fc.array(fc.record({ id: fc.string(), line: fc.string({ unit: 'binary' }) }), { minLength: 1 });

/** As the server writes it: events in batches, each batch after the first with a separator before it. */
function written(batches: readonly (readonly unknown[])[]): string {
  const texts = batches.map((batch) => batch.map((event) => JSON.stringify(event)).join(',\n'));
  return `[\n${texts.join(',\n')}\n]\n`;
}

it('gives every event once, in order, wherever the text is cut', () => {
  fc.assert(
    fc.property(fc.array(events, { minLength: 1 }), fc.array(fc.nat(200)), (batches, cuts) => {
      const parser = new ArrayParser();
      const seen: unknown[] = [];
      let text = written(batches);
      for (const cut of cuts) {
        seen.push(...parser.feed(text.slice(0, cut)));
        text = text.slice(cut);
      }
      expect(parser.closed).toBe(text === '');
      seen.push(...parser.feed(text));
      expect(seen).toEqual(batches.flat());
      expect(parser.closed).toBe(true);
    }),
  );
});

it('gives an event before the end of its line is there, and says that the array goes on', () => {
  const parser = new ArrayParser();
  expect(parser.feed('[\n{"line":"a}"}')).toEqual([{ line: 'a}' }]);
  expect(parser.feed(',\n{"line":"b}')).toEqual([]);
  expect(parser.closed).toBe(false);
  expect(parser.feed('"}\n]\n')).toEqual([{ line: 'b}' }]);
  expect(parser.closed).toBe(true);
});

it('an array without events is closed', () => {
  const parser = new ArrayParser();
  expect(parser.feed('[]\n')).toEqual([]);
  expect(parser.closed).toBe(true);
});

it.each(['<html>', '{"a":1}', '[null]', '[\nnull\n]', '[\n"', '{', '[\n{"a"}\n', '[]x', 'x\n'])(
  'refuses %j as soon as it comes',
  (text) => {
    const parser = new ArrayParser();
    expect(() => parser.feed(text)).toThrow('is not what a server of Ergon Sandbox sends');
  },
);

it('an event may have the end of the array on its line, and is not longer than 16 MiB', () => {
  const parser = new ArrayParser();
  expect(parser.feed('[\n{"a":1}]')).toEqual([{ a: 1 }]);
  expect(parser.closed).toBe(true);
  const endless = new ArrayParser();
  endless.feed('[\n{"');
  const piece = 'x'.repeat(4 * 1024 ** 2);
  expect(() => {
    for (let count = 0; count < 5; count += 1) endless.feed(piece);
  }).toThrow('is not what a server of Ergon Sandbox sends');
});
