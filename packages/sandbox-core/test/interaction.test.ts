import { SandboxError } from '../src/index.js';
import type { Execution } from '../src/index.js';
import { localCapabilities } from './local-provider.js';
import { makeHouse, until } from './house.js';
import type { House } from './house.js';

let house: House;
beforeEach(async () => {
  house = await makeHouse();
});
afterEach(async () => {
  await house.close();
});

const refusal = (code: string, message: RegExp): unknown =>
  expect.objectContaining({ code, message: expect.stringMatching(message) as unknown });

async function textOf(execution: Execution): Promise<string> {
  let text = '';
  for await (const batch of execution.events({ raw: true })) {
    for (const event of batch) if (event.type === 'data') text += Buffer.from(event.data).toString();
  }
  return text;
}

describe('a program with an open stdin', () => {
  it('reads what people write, from several hands in the order of their writes, until its end is sent', async () => {
    const sandbox = await house.runner.open('hello');
    const execution = await sandbox.execute({ command: ['cat'], stdin: true });
    await Promise.all(['a\n', 'b\n', 'c\n'].map((line) => execution.write(Buffer.from(line))));
    await execution.closeInput();
    await execution.closeInput();
    expect(await execution.result).toMatchObject({ status: 'completed', stdout: 'a\nb\nc\n' });
    await expect(execution.write(Buffer.from('d'))).rejects.toEqual(refusal('SANDBOX008', /has ended/));
  });

  it('answers a prompt that has no newline', async () => {
    const sandbox = await house.runner.open('hello');
    const command = ['sh', '-c', 'printf "name? "; read name; echo "hello $name"'];
    const execution = await sandbox.execute({ command, stdin: true });
    let seen = '';
    for await (const batch of execution.events({ raw: true })) {
      for (const event of batch) if (event.type === 'data') seen += Buffer.from(event.data).toString();
      if (seen === 'name? ') await execution.write(Buffer.from('Ada\n'));
    }
    expect(seen).toBe('name? hello Ada\n');
  });

  it('refuses a write after its end was sent', async () => {
    const sandbox = await house.runner.open('hello');
    const execution = await sandbox.execute({ command: ['sh', '-c', 'cat; sleep 5'], stdin: true });
    await execution.closeInput();
    await expect(execution.write(Buffer.from('x'))).rejects.toEqual(refusal('SANDBOX008', /end was sent/));
    await sandbox.stop();
  });

  it('holds a writer while the program does not read, refuses what would be too much, and lets go when it ends', async () => {
    const sandbox = await house.runner.open('hello');
    const execution = await sandbox.execute({ command: ['sleep', '30'], stdin: true });
    const mebibyte = Buffer.alloc(1024 ** 2);
    let taken = 0;
    const writes = Array.from({ length: 20 }, () =>
      execution.write(mebibyte).then(
        () => void (taken += 1),
        (error: unknown) => error,
      ),
    );
    const outcomes = Promise.all(writes);
    await until(async () => (await Promise.race([writes[19], Promise.resolve(null)])) !== null);
    expect(await writes[19]).toEqual(refusal('SANDBOX004', /bytes wait already/));
    expect(taken).toBeLessThan(3);
    await sandbox.stop();
    expect((await outcomes).filter((outcome) => outcome instanceof SandboxError).length).toBeGreaterThan(16);
  });
});

describe('a program without one', () => {
  it('takes no input and no size, says so, and its stdin is at its end', async () => {
    const sandbox = await house.runner.open('hello');
    const execution = await sandbox.execute({ command: ['sh', '-c', 'cat; echo over; sleep 5'] });
    await expect(execution.write(Buffer.from('x'))).rejects.toEqual(refusal('SANDBOX008', /started without one/));
    await expect(execution.closeInput()).rejects.toEqual(refusal('SANDBOX008', /started without one/));
    await expect(execution.resize({ cols: 80, rows: 24 })).rejects.toEqual(refusal('SANDBOX008', /no terminal/));
    const text = textOf(execution);
    await until(async () => (await house.runner.results(sandbox.id)).stdout === 'over\n');
    await sandbox.stop();
    expect(await text).toBe('over\n');
  });
});

describe('what a provider does not have', () => {
  it('is refused by its field, and starts nothing', async () => {
    house.provider.probeResult = { available: true, capabilities: { ...localCapabilities, stdin: false } };
    const sandbox = await house.runner.open('hello');
    const size = { cols: 80, rows: 24 };
    await expect(sandbox.execute({ tty: size })).rejects.toMatchObject({ code: 'SANDBOX009', field: 'tty' });
    await expect(sandbox.execute({ stdin: true })).rejects.toMatchObject({ code: 'SANDBOX009', field: 'stdin' });
    await expect(sandbox.execute({ stdin: 'text' })).rejects.toMatchObject({ code: 'SANDBOX009', field: 'stdin' });
    expect(sandbox.current).toBeNull();
  });

  it('is told before a size that is none', async () => {
    house.provider.probeResult = { available: true, capabilities: { ...localCapabilities, tty: true } };
    const sandbox = await house.runner.open('hello');
    await expect(sandbox.execute({ tty: { cols: 0, rows: 24 } })).rejects.toMatchObject({ code: 'SANDBOX008' });
    await expect(sandbox.execute({ tty: { cols: 80, rows: 24 }, stdin: 'x' })).rejects.toMatchObject({
      code: 'SANDBOX008',
      field: 'stdin',
    });
  });
});

describe('following a sandbox', () => {
  it('gives the execution that runs and each later one, whoever starts it, until the sandbox is gone', async () => {
    const sandbox = await house.runner.open('hello');
    const first = await sandbox.execute({ command: ['cat'], stdin: true });
    const followers = [sandbox.follow(), sandbox.follow()];
    const seen = followers.map(async (executions) => {
      const ids: string[] = [];
      for await (const { id } of executions) ids.push(id);
      return ids;
    });
    expect(sandbox.restingSince).toBeNull();
    await first.closeInput();
    await first.result;
    expect(sandbox.restingSince).toBeInstanceOf(Date);
    const second = await sandbox.execute({ command: ['true'] });
    await second.result;
    await sandbox.cleanup();
    expect(await Promise.all(seen)).toEqual([
      [first.id, second.id],
      [first.id, second.id],
    ]);
  });

  it('ends when the follower leaves, and for a sandbox that is gone at once', async () => {
    const sandbox = await house.runner.open('hello');
    const leaving = new AbortController();
    const next = sandbox.follow(leaving.signal).next();
    leaving.abort();
    expect(await next).toEqual({ done: true, value: undefined });
    await sandbox.cleanup();
    expect(await sandbox.follow().next()).toEqual({ done: true, value: undefined });
  });
});
