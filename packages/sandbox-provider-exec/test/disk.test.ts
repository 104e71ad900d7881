import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { silentLogger } from '@ergon/sandbox-core';
import { SandboxExecProvider } from '../src/provider.js';
import { ChildServer } from './support/child.js';
import { leftovers } from './support/leftovers.js';
import { isRoot, TestServer } from './support/server.js';

test('a data folder with awkward characters in its name is one as any other', async () => {
  await using server = new TestServer('da\nta \'"$(x)\\');
  const { stdout, end } = await server.run(
    ['sh', '-c', 'cat main.txt; head -c 3000000 /dev/zero > /output/x; sync'],
    {},
    { 'main.txt': 'text' },
  );
  expect(stdout).toBe('text');
  expect(end).toMatchObject({ cause: 'exited', exitCode: 0 });
  expect(end.usage.diskBytes).toBeGreaterThanOrEqual(3_000_000);
  expect(server.leftovers()).toEqual([]);
});

// Only a root server's disks are mounts.
if (isRoot) {
  /** Someone who looks into a sandbox, and so keeps its mounts and its loop device. */
  async function lookInto(holders: readonly string[]): Promise<{ leave(): Promise<void> }> {
    const pid = /process (\d+): \/bin\/sh -s /.exec(holders.find((line) => line.includes(': /bin/sh -s ')) ?? '')?.[1];
    const visitor = spawn('nsenter', [`--mount=/proc/${pid}/ns/mnt`, '--', 'sh', '-c', 'echo in; exec sleep 1000']);
    await once(visitor.stdout, 'data');
    return {
      leave: async () => {
        visitor.kill('SIGKILL');
        await once(visitor, 'exit');
      },
    };
  }
  const pending = <Value>(promise: Promise<Value>): Promise<unknown> => Promise.race([promise, delay(500, 'pending')]);

  test('a sandbox is removed when its disk is, not before', async () => {
    await using server = new TestServer();
    const sandbox = await server.sandbox();
    const visitor = await lookInto(server.leftovers());
    const cleaning = sandbox.cleanup();
    try {
      expect(await pending(cleaning)).toBe('pending');
    } finally {
      await visitor.leave();
    }
    expect(await cleaning).toBe(true);
    expect(server.leftovers()).toEqual([]);
  });

  test("so is a dead server's", async () => {
    const server = new ChildServer('child-server.ts', ['sleep 1000', '1']);
    await server.hears('ready');
    const { instanceId, stateDir, home } = server.said[0] as unknown as Record<
      'instanceId' | 'stateDir' | 'home',
      string
    >;
    const visitor = await lookInto(leftovers(instanceId, [], stateDir));
    await server.kill();
    const reclaiming = new SandboxExecProvider({ logger: silentLogger, stateDir }).reclaim(instanceId);
    try {
      expect(await pending(reclaiming)).toBe('pending');
    } finally {
      await visitor.leave();
    }
    expect(await reclaiming).toBe(1);
    expect(leftovers(instanceId, [], stateDir)).toEqual([]);
    rmSync(home, { recursive: true });
  });
}
