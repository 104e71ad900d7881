import { setTimeout as delay } from 'node:timers/promises';
import { readTar, writeTar } from '../src/index.js';
import type { Sandbox, SandboxFiles } from '../src/index.js';
import { makeHouse, until } from './house.js';
import type { House } from './house.js';

let house: House;
beforeEach(async () => {
  house = await makeHouse();
});
afterEach(async () => {
  await house.close();
});

async function* bytes(text: string): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(Buffer.from(text));
}
async function codeOf(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => 'none',
    (error: unknown) => (error as { code: string }).code,
  );
}
/** Writes that take as long as their sources. */
function slowWrites(
  sandbox: Sandbox,
  count: number,
): { readonly ends: Promise<string>[]; readonly release: () => void } {
  let release = (): void => undefined;
  const gate = new Promise<void>((resolve) => (release = resolve));
  const source = async function* (): AsyncGenerator<Uint8Array> {
    await gate;
    yield Buffer.from('x');
  };
  const ends = Array.from({ length: count }, (_, index) =>
    codeOf(sandbox.files().write(`/workspace/n${index}`, source())),
  );
  return { ends, release };
}

describe("a sandbox's files", () => {
  it('wait for the preparation, and are there before, between and after commands', async () => {
    let open = (): void => undefined;
    house.provider.gate = new Promise((resolve) => (open = resolve));
    const sandbox = await house.runner.open('hello');
    const files = sandbox.files();
    const writing = files.write('/workspace/typed', bytes('typed'));
    expect(await Promise.race([writing, delay(200, 'waiting')])).toBe('waiting');
    open();
    await writing;
    const { stdout } = await (await sandbox.execute({ command: ['cat', 'typed'] })).result;
    expect(stdout).toBe('typed');
    await files.makeDir('/workspace/a');
    await files.rename('/workspace/typed', '/workspace/a/typed');
    expect((await files.list('/workspace/a')).entries).toEqual([await files.stat('/workspace/a/typed')]);
    const paths: string[] = [];
    for await (const { path } of readTar(files.pack('/workspace'), { maxEntries: 10, maxBytes: 1000 }))
      paths.push(path);
    expect(paths.sort()).toEqual(['a', 'a/typed', 'main.sh']);
    await files.remove('/workspace/a');
    await files.unpack('/workspace/b', writeTar([]));
    expect((await files.list('/workspace')).entries.map(({ name }) => name)).toEqual(['b', 'main.sh']);
    await sandbox.cleanup();
    expect(await codeOf(files.list('/workspace'))).toBe('SANDBOX006');
  });

  it('are not those of a sandbox whose preparation failed', async () => {
    house.provider.gate = Promise.reject(new Error('no'));
    const sandbox = await house.runner.open('hello');
    expect(await codeOf(sandbox.files().list('/workspace'))).toBe('SANDBOX011');
  });

  it('have three places for calls with a body, of which 32 wait and more are refused, and one for all others', async () => {
    const sandbox = await house.runner.open('hello');
    await sandbox.ready;
    const files = sandbox.files();
    const { ends, release } = slowWrites(sandbox, 36);
    await until(() => house.provider.assisting.size === 3);
    expect(await ends.at(-1)).toBe('SANDBOX007');
    expect(await codeOf(files.pack('/workspace')[Symbol.asyncIterator]().next())).toBe('SANDBOX007');
    expect(await codeOf(files.unpack('/workspace', writeTar([])))).toBe('SANDBOX007');
    expect(await codeOf(files.read('/workspace/main.sh')[Symbol.asyncIterator]().next())).toBe('SANDBOX007');
    await files.write('/workspace/whole', Buffer.from('written'));
    await files.makeDir('/workspace/made');
    await files.rename('/workspace/whole', '/workspace/made/moved');
    expect((await files.stat('/workspace/made/moved')).bytes).toBe(7);
    const part = { offset: 2, length: 64 * 1024 };
    for await (const chunk of files.read('/workspace/made/moved', part))
      expect(Buffer.from(chunk).toString()).toBe('itten');
    await files.remove('/workspace/made');
    const many = Array.from({ length: 33 }, () => codeOf(files.list('/workspace')));
    expect(new Set(await Promise.all(many))).toEqual(new Set(['none']));
    release();
    expect(new Set(await Promise.all(ends.slice(0, -1)))).toEqual(new Set(['none']));
    expect((await files.list('/workspace')).entries).toHaveLength(36);
  });

  it('are reached by four calls at a time, and 32 that have no body wait; more are refused', async () => {
    let open = (): void => undefined;
    house.provider.gate = new Promise((resolve) => (open = resolve));
    const sandbox = await house.runner.open('hello');
    const calls = Array.from({ length: 37 }, () => codeOf(sandbox.files().list('/workspace')));
    expect(await calls.at(-1)).toBe('SANDBOX007');
    open();
    expect(new Set(await Promise.all(calls.slice(0, -1)))).toEqual(new Set(['none']));
  });

  it('give the turn on when a call that waits is cancelled, or a reader leaves', async () => {
    const sandbox = await house.runner.open('hello');
    await sandbox.ready;
    const { ends, release } = slowWrites(sandbox, 3);
    await until(() => house.provider.assisting.size === 3);
    const abort = new AbortController();
    const waiting = codeOf(sandbox.files().unpack('/workspace/a', writeTar([]), { signal: abort.signal }));
    const later = codeOf(sandbox.files().unpack('/workspace/b', writeTar([])));
    abort.abort();
    expect(await waiting).toBe('SANDBOX011');
    release();
    expect(await Promise.all([...ends, later])).toEqual(['none', 'none', 'none', 'none']);
    for (let round = 0; round < 6; round++) {
      for await (const chunk of sandbox.files().read('/workspace/main.sh')) {
        expect(chunk.length).toBeGreaterThan(0);
        break;
      }
    }
    expect(await codeOf(sandbox.files().read('/workspace/none')[Symbol.asyncIterator]().next())).toBe('SANDBOX012');
  });

  it('end with the sandbox, those that wait too', async () => {
    const sandbox = await house.runner.open('hello');
    await sandbox.ready;
    const { ends } = slowWrites(sandbox, 8);
    await until(() => house.provider.assisting.size === 3);
    await sandbox.cleanup();
    expect(new Set(await Promise.all(ends))).toEqual(new Set(['SANDBOX006']));
  });

  it('keep it from being idle while a call goes on', async () => {
    const runner = house.runner;
    await runner.close();
    house.runner = await house.start({ idleMs: 300 });
    const sandbox = await house.runner.open('hello');
    await sandbox.ready;
    const { ends, release } = slowWrites(sandbox, 1);
    await delay(900);
    expect(sandbox.isLeaving).toBe(false);
    release();
    expect(await Promise.all(ends)).toEqual(['none']);
    await until(() => house.runner.active().length === 0);
  });

  it('are refused by a provider that has no way to pack', async () => {
    const { provider } = house;
    const way = provider.files.bind(provider);
    provider.files = (id) =>
      Object.fromEntries(Object.entries(way(id)).filter(([name]) => !name.endsWith('pack'))) as unknown as SandboxFiles;
    const files = (await house.runner.open('hello')).files();
    expect((await files.stat('/workspace/main.sh')).type).toBe('file');
    expect(await codeOf(files.unpack('/workspace', writeTar([])))).toBe('SANDBOX009');
    expect(await codeOf(files.pack('/workspace')[Symbol.asyncIterator]().next())).toBe('SANDBOX009');
  });
});
