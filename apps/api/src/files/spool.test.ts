import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Spools } from './spool.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ergon-spools-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A body of which so much has come when `came` resolves, and no more before `end` is called. */
function standing(text: string): { body: AsyncIterable<Uint8Array>; came: Promise<void>; end: () => void } {
  let [arrived, end] = [(): void => undefined, (): void => undefined];
  const came = new Promise<void>((resolve) => (arrived = resolve));
  const ending = new Promise<void>((resolve) => (end = resolve));
  const body = (async function* () {
    yield await Promise.resolve(Buffer.from(text));
    arrived();
    await ending;
  })();
  return { body, came, end };
}

async function* whole(text: string): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(Buffer.from(text));
}

const full = {
  code: 'SANDBOX004',
  message:
    'The zip archives that are on their way to this server would have more than 10 bytes together; try again later, or send a tar.',
};

test('what came of all archives is bounded, what is announced takes no place, and what goes gives its place back', async () => {
  const spools = new Spools(folder, 10);
  const slow = standing('12345678');
  const slowly = spools.take(slow.body, 10);
  await slow.came;
  const second = await spools.take(whole('12'), 2);
  await expect(spools.take(whole('1'), 1)).rejects.toMatchObject(full);
  await expect(spools.take(whole('1'), 0)).rejects.toMatchObject(full);
  await second[Symbol.asyncDispose]();
  await using third = await spools.take(whole('12'), 0);
  expect(third.fd).toBeGreaterThan(0);
  slow.end();
  await (await slowly)[Symbol.asyncDispose]();
  await using fourth = await spools.take(whole('12345678'), 8);
  expect(fourth.fd).toBeGreaterThan(0);
  expect(readdirSync(folder)).toEqual([]);
});

test('an archive that outgrows the bounds while it comes is refused, and gives its place back', async () => {
  const spools = new Spools(folder, 10);
  const growing = (async function* () {
    yield* whole('12345678');
    yield* whole('123');
  })();
  await expect(spools.take(growing, 0)).rejects.toMatchObject(full);
  await using next = await spools.take(whole('1234567890'), 10);
  expect(next.fd).toBeGreaterThan(0);
});

test('one that is announced larger than a zip may be is refused before anything of it is asked for', async () => {
  let asked = false;
  const body = (async function* () {
    asked = true;
    yield* whole('x');
  })();
  await expect(new Spools(folder).take(body, 1024 ** 3 + 1)).rejects.toMatchObject({
    code: 'SANDBOX004',
    message: 'The zip archive is larger than 1073741824 bytes; a tar may be larger.',
  });
  expect(asked).toBe(false);
});
