import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { silentLogger } from '@ergon/sandbox-core';
import { ownGroups } from '../src/linux/cgroup/hierarchies.js';
import { SandboxExecProvider } from '../src/provider.js';
import { ChildServer } from './support/child.js';
import { leftovers } from './support/leftovers.js';
import { isRoot } from './support/server.js';
import { until } from './support/until.js';

const FAMILY = `trap '' TERM HUP
  (trap '' TERM HUP; while :; do sleep 1000; done) &
  setsid sh -c 'trap "" TERM HUP; while :; do sleep 1000; done' &
  (setsid sh -c '(setsid sleep 100000) & sleep 100000' &)
  echo started; while :; do sleep 1000; done`;

/** What a dead server's next start does, and what is left then. */
async function reclaimed(server: ChildServer): Promise<{ count: number; left: string[] }> {
  const told = server.said.find(({ type }) => type === 'server') as unknown as {
    instanceId: string;
    stateDir: string;
    home: string;
  };
  const ready = server.said.find(({ type }) => type === 'ready') as { sandboxIds?: string[] } | undefined;
  const provider = new SandboxExecProvider({ logger: silentLogger, stateDir: told.stateDir });
  const count = await provider.reclaim(told.instanceId);
  const left = leftovers(told.instanceId, ready?.sandboxIds ?? [], told.stateDir);
  rmSync(told.home, { recursive: true, force: true }); // one that ended in order took it along
  return { count, left };
}

test('a server killed with -9 leaves no process that runs on, and the next start removes the rest', async () => {
  const server = new ChildServer('child-server.ts', [FAMILY, '3']);
  await server.hears('output');
  const { instanceId, stateDir } = server.said[0] as unknown as { instanceId: string; stateDir: string };
  await server.kill();
  // Without any help: programs end with their server.
  await until(
    'no process is left',
    () => !leftovers(instanceId, [], stateDir).some((line) => line.startsWith('process')),
  );
  const { count, left } = await reclaimed(server);
  expect(count).toBe(3);
  expect(left).toEqual([]);
});

test('a second reclaim finds nothing', async () => {
  const server = new ChildServer('child-server.ts', ['sleep 1000', '1']);
  await server.hears('ready');
  const { stateDir, instanceId } = server.said[0] as unknown as { instanceId: string; stateDir: string };
  await server.kill();
  const provider = new SandboxExecProvider({ logger: silentLogger, stateDir });
  expect(await provider.reclaim(instanceId)).toBe(1);
  expect(await provider.reclaim(instanceId)).toBe(0);
  expect(existsSync(stateDir)).toBe(true);
  expect((await reclaimed(server)).left).toEqual([]);
});

test('whenever a server is killed while it prepares and runs, nothing is left after the next start', async () => {
  for (let round = 0; round < 12; round++) {
    const server = new ChildServer('child-server.ts', [FAMILY, '2']);
    await server.hears('server');
    // Spread over preparing, parking and running; the moment itself is what is tried.
    await new Promise((resolve) => setTimeout(resolve, (round * 350) / 12));
    await server.kill();
    const { left } = await reclaimed(server);
    expect({ round, left }).toEqual({ round, left: [] });
  }
});

test('a server that ends in order leaves nothing', async () => {
  const server = new ChildServer('child-server.ts', ['echo done', '2']);
  await server.hears('disposed');
  await server.exited;
  const { count, left } = await reclaimed(server);
  expect({ count, left }).toEqual({ count: 0, left: [] });
});

test('reclaiming one instance does not touch another that lives', async () => {
  const alive = new ChildServer('child-server.ts', ['echo started; sleep 1000', '1']);
  const dead = new ChildServer('child-server.ts', ['echo started; sleep 1000', '1']);
  await alive.hears('output');
  await dead.hears('output');
  await dead.kill();
  expect((await reclaimed(dead)).left).toEqual([]);
  const { instanceId, stateDir } = alive.said[0] as unknown as { instanceId: string; stateDir: string };
  const processes = leftovers(instanceId, [], stateDir).filter((line) => line.startsWith('process'));
  expect(processes.length).toBeGreaterThan(isRoot ? 2 : 1);
  await alive.kill();
  expect((await reclaimed(alive)).left).toEqual([]);
});

// An ordinary user's server has no groups.
if (isRoot) {
  test('a server that is started again in another group finds the groups of the dead one', async () => {
    const { v1, v2 } = ownGroups();
    const tops: string[] = v1 !== null ? Object.values(v1) : v2 !== null ? [v2.top] : [];
    expect(tops).not.toEqual([]);
    const elsewhere = [...new Set(tops)].map((top) => join(top, `ergon-test-${process.pid}`));
    for (const folder of elsewhere) mkdirSync(folder);
    try {
      const enter = [...elsewhere.map((folder) => `echo $$ > ${folder}/cgroup.procs`), 'exec "$@"'].join(' && ');
      const server = new ChildServer('child-server.ts', [FAMILY, '2'], { before: ['/bin/sh', '-c', enter, 'sh'] });
      await server.hears('output');
      await server.kill();
      expect(await reclaimed(server)).toEqual({ count: 2, left: [] });
      for (const folder of elsewhere) expect(existsSync(`${folder}/ergon-sandbox`)).toBe(false);
    } finally {
      for (const folder of elsewhere) spawnSync('find', [folder, '-depth', '-type', 'd', '-exec', 'rmdir', '{}', ';']);
    }
  });

  test('groups of a server of another data folder that is gone are removed too', async () => {
    const stranger = new ChildServer('child-server.ts', ['echo started; sleep 1000', '1']);
    await stranger.hears('output');
    await stranger.kill();
    const { instanceId, stateDir, home } = stranger.said[0] as unknown as {
      instanceId: string;
      stateDir: string;
      home: string;
    };
    const groups = (): string[] =>
      leftovers(instanceId, [], stateDir).filter((line) => line.startsWith('/sys/fs/cgroup'));
    expect(groups()).not.toEqual([]);
    await new SandboxExecProvider({ logger: silentLogger, stateDir: `${home}/elsewhere` }).reclaim('b3b915ed-1-1-0000');
    expect(groups()).toEqual([]);
    expect((await reclaimed(stranger)).left).toEqual([]);
  });
}

test('a server that runs out of descriptors refuses a sandbox, lives, and opens another when some are free', async () => {
  const server = new ChildServer('scarce-server.ts', [], { before: ['prlimit', '--nofile=300:300', '--'] });
  await server.exited;
  expect(server.stderr).toBe('');
  expect(server.child.exitCode).toBe(0);
  expect(server.said.map(({ type }) => type)).toEqual(['refused', 'after']);
  expect(server.said[0]?.after).toBeGreaterThan(0);
  expect(server.said[1]).toEqual({ type: 'after', stdout: 'works again\n' });
});
