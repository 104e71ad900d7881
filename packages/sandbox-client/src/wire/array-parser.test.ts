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
