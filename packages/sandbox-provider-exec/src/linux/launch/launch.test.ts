import { until } from '../../../test/support/until.js';
import { Launch } from './launch.js';

/** A launch whose launcher is a script: the real thing says and does only what it should. */
const park = (script: string): Promise<Launch> =>
  Launch.park({
    command: ['/bin/sh', '-c', script],
    bwrapArguments: [],
    seccomp: new Uint8Array(),
    shell: new Uint8Array(),
    owner: null,
    terminals: false,
  });

describe.each([1, 2, 5, 9])('a flood on descriptor %i', (fd) => {
  const flood = `exec yes '{ "exit-code": 0 }' >&${fd}`;

  test('of a sandbox that waits or runs is cut off and ends it, and nothing that it said counts', async () => {
    const launch = await park(`echo "{ \\"child-pid\\": $$ }" >&5; echo ready >&9; read -r _; ${flood}`);
    const before = process.memoryUsage().rss;
    launch.go('\n');
    const { fault } = await launch.ended;
    expect(fault).toContain('more than a sandbox has to report');
    expect(process.memoryUsage().rss - before).toBeLessThan(32 << 20);
    launch.discard();
  });

  test('of a sandbox that is being made fails it', async () => {
    await expect(park(flood)).rejects.toMatchObject({
      code: 'SANDBOX011',
      message: expect.stringContaining('more than a sandbox has to report') as string,
    });
  });
});

test('has not ended while its init is still there', async () => {
  const stay = 'import os, time; os.closerange(0, 64); time.sleep(25)';
  const launch = await park(`python3 -c '${stay}' & echo "{ \\"child-pid\\": $! }" >&5; echo ready >&9; read -r _`);
  let ended = false;
  void launch.ended.then(() => (ended = true));
  launch.go('\n');
  await until('it is closed', () => !launch.alive);
  expect(launch.initPid).toBeGreaterThan(1);
  expect(ended).toBe(false);
  process.kill(launch.initPid, 'SIGKILL');
  expect((await launch.ended).fault).toBeNull();
  launch.discard();
});
