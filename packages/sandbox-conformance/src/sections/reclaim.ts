import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { isInstanceAlive, newInstanceId, SandboxProvider } from '@ergon/sandbox-core';
import { equal, holds, STEP_MS, succeeds } from '../promises.js';
import type { House } from '../house.js';
import type { Promised } from '../promises.js';
import { removal } from '../sandbox.js';
import type { TestSandbox } from '../sandbox.js';
import { needsClaim, part } from '../suite.js';

/** The base class has one that finds nothing, for technologies that leave nothing when their server ends. */
const needsReclaim = needsClaim('reclaim()', ({ provider }) => provider.reclaim !== SandboxProvider.prototype.reclaim);

export const reclaiming = part([
  {
    name: 'reclaim() of an instance that nobody knows removes nothing, and says 0',
    body: async (house) => {
      const sandbox = await house.sandbox();
      await sandbox.sh('echo mine > mark');
      await counts(house, 0, async () => '00000000-1-1-0000', {
        promise: 'reclaim() of an unknown instance is 0.',
        mend: 'Count what was found of that instance only.',
      });
      await assertUntouched(sandbox);
    },
  },
  {
    name: "reclaim() removes what another provider object left under an instance, and touches no other instance's sandbox",
    needs: needsReclaim,
    body: async (house) => {
      const sandbox = await house.sandbox();
      await sandbox.sh('echo mine > mark');
      const abandoned = await house.anotherProvider();
      const made: string[] = [];
      const leave = async (): Promise<string> => {
        const instanceId = newInstanceId();
        made.push(instanceId);
        await house.sandbox({ config: { instanceId } }, abandoned);
        await house.sandbox({ config: { instanceId } }, abandoned);
        return instanceId;
      };
      await counts(house, 2, leave, {
        promise: 'reclaim() says how many sandboxes had something left.',
        mend: 'Count them by their ids.',
      });
      for (const instanceId of made) await house.assertNothingLeft(instanceId);
      await assertUntouched(sandbox);
      await succeeds(STEP_MS, 'asyncDispose after reclaim()', removal, () => abandoned[Symbol.asyncDispose]());
      for (const instanceId of made) await house.assertNothingLeft(instanceId);
    },
  },
  {
    name: 'reclaim(null) touches nothing of a live server, though another provider object made it: idle or running',
    body: async (house) => {
      const other = await house.anotherProvider();
      const config = { instanceId: newInstanceId() };
      const idle = await house.sandbox({ config }, other);
      await idle.sh('echo mine > mark');
      const running = await house.sandbox({ config }, other);
      const stop = new AbortController();
      const { ended } = await running.start('echo up; sleep 100', { signal: stop.signal, killGraceMs: 100 });
      await succeeds(STEP_MS, 'reclaim()', removal, () => house.provider.reclaim(null));
      await assertUntouched(idle);
      stop.abort();
      const { end } = await ended;
      equal([end.cause, end.reason], ['stopped', null], onlyTheDead);
      await succeeds(STEP_MS, 'asyncDispose', removal, () => other[Symbol.asyncDispose]());
    },
  },
  {
    name: 'reclaim(null) removes what a server left that has ended, and that nobody named',
    needs: needsReclaim,
    body: async (house) => {
      const abandoned = await house.anotherProvider();
      const server = await startServer();
      const { instanceId } = server;
      try {
        // Nothing runs in it: a provider that lives, as this one does, may be making something ahead for the next run when it is looked for.
        await house.sandbox({ config: { instanceId } }, abandoned);
      } finally {
        await server.end();
      }
      const found = await succeeds(STEP_MS, 'reclaim()', removal, () => house.provider.reclaim(null));
      const left = await house.leftovers(instanceId);
      holds(
        found >= 1 || left.length === 0, // any other server here may have been before
        {
          promise: 'reclaim() without a name finds what servers left that are proven to be dead.',
          mend: 'Ask isInstanceAlive() of every instance that has something; false is the proof.',
        },
        { found, left },
      );
      await house.assertNothingLeft(instanceId);
      await succeeds(STEP_MS, 'asyncDispose after reclaim()', removal, () => abandoned[Symbol.asyncDispose]());
    },
  },
]);

const onlyTheDead = {
  promise: 'reclaim() touches nothing of an instance that is not named, and not proven to be dead.',
  mend: 'Remove what has exactly the name, and that of which isInstanceAlive() is false; whoever made it, and null is no proof.',
};

/**
 * Fails unless reclaim() of an instance says this number. What other servers left here that have ended is reclaimed and counted as well, so
 * that goes first; one may end just then, but not each time.
 */
async function counts(
  house: House,
  expected: number,
  instance: () => Promise<string>,
  promised: Promised,
): Promise<void> {
  let found = NaN;
  for (let tries = 0; tries < 3 && found !== expected; tries++) {
    const instanceId = await instance();
    await succeeds(STEP_MS, 'reclaim()', removal, () => house.provider.reclaim(null));
    found = await succeeds(STEP_MS, 'reclaim()', removal, () => house.provider.reclaim(instanceId));
  }
  equal(found, expected, promised);
}

/** A process that lives until it is ended, and the id that it would give to itself: what is under it is anybody's to reclaim from then on. */
async function startServer(): Promise<{ readonly instanceId: string; end(): Promise<void> }> {
  const child = spawn(process.execPath, ['-e', 'process.stdin.resume()'], { stdio: ['pipe', 'ignore', 'ignore'] });
  const exited = once(child, 'exit');
  await once(child, 'spawn');
  const name = (pid: number): string => `-${pid}-${startOf(pid)}-`;
  const instanceId = newInstanceId().replace(name(process.pid), name(child.pid ?? 0));
  const tell = (state: boolean): void => {
    if (isInstanceAlive(instanceId) !== state)
      throw new Error(`The test's own instance ${instanceId} is taken for another's.`);
  };
  tell(true);
  return {
    instanceId,
    end: async () => {
      child.kill('SIGKILL');
      await exited;
      tell(false);
    },
  };
}

/** When a process began, as an instance id has it. */
function startOf(pid: number): string {
  if (process.platform !== 'linux') {
    return String(
      Date.parse(execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim()) / 1000,
    );
  }
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}

async function assertUntouched(sandbox: TestSandbox): Promise<void> {
  const run = await sandbox.sh('cat mark');
  equal([run.end.cause, run.stdout], ['exited', 'mine\n'], {
    promise: "reclaim() of one instance touches nothing of another's sandboxes.",
    mend: 'Remove only what carries exactly the instance id that is asked for.',
  });
}
