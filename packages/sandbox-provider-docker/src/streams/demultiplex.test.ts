import fc from 'fast-check';
import { PassThrough } from 'node:stream';
import Dockerode from 'dockerode';
import { Demultiplexer, type Frame } from './demultiplex.js';

function frame(kind: number, data: Uint8Array): Buffer {
  const header = Buffer.alloc(8);
  header[0] = kind;
  header.writeUInt32BE(data.length, 4);
  return Buffer.concat([header, data]);
}

function text(frames: readonly Frame[], stream: string): string {
  return Buffer.concat(frames.filter((each) => each.stream === stream).map(({ data }) => data)).toString('latin1');
}

test('whatever the frames, and wherever the stream is cut, both outputs arrive whole and in order', () => {
  const bytes = fc.uint8Array({ maxLength: 40 });
  fc.assert(
    fc.property(
      fc.array(fc.record({ kind: fc.constantFrom(1, 2), data: bytes }), { maxLength: 20 }),
      fc.array(fc.nat({ max: 900 }), { maxLength: 30 }),
      (frames, cuts) => {
        const all = Buffer.concat(frames.map(({ kind, data }) => frame(kind, data)));
        const places = [0, ...cuts.filter((cut) => cut < all.length).sort((a, b) => a - b), all.length];
        const demultiplexer = new Demultiplexer();
        const found = places.slice(1).flatMap((end, index) => demultiplexer.push(all.subarray(places[index], end)));
        for (const [kind, stream] of [
          [1, 'stdout'],
          [2, 'stderr'],
        ] as const) {
          const sent = Buffer.concat(frames.filter((each) => each.kind === kind).map(({ data }) => data));
          expect(text(found, stream)).toBe(sent.toString('latin1'));
        }
      },
    ),
  );
});

const storm = Buffer.concat(Array.from({ length: 5000 }, (_, index) => frame(1 + (index % 2), Buffer.from('x'))));

test('5,000 frames of one byte in one chunk are 5,000 bytes', () => {
  const found = new Demultiplexer().push(storm);
  expect(text(found, 'stdout')).toHaveLength(2500);
  expect(text(found, 'stderr')).toHaveLength(2500);
});

test("docker-modem's own demultiplexer, which is recursive, does not survive that", () => {
  const source = new PassThrough();
  new Dockerode({ socketPath: '/nowhere' }).modem.demuxStream(source, new PassThrough(), new PassThrough());
  expect(() => source.emit('data', Buffer.concat([storm, storm, storm]))).toThrow('Maximum call stack size exceeded');
});

test('what is in no frames is refused', () => {
  expect(() => new Demultiplexer().push(Buffer.from('plain text of a terminal'))).toThrow(/not in frames/);
  expect(() => new Demultiplexer().push(Buffer.from([1, 0, 7, 0, 0, 0, 0, 1, 65]))).toThrow(RangeError);
});
