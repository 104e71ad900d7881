import { programs } from '../programs.js';
import { equal, holds, isSentence, within } from '../promises.js';
import type { House } from '../house.js';
import type { TestSandbox } from '../sandbox.js';
import { section } from '../suite.js';
import type { Section } from '../suite.js';

export const vanishing: Section = section('Disappearance', [
  {
    name: 'an environment that vanishes while a command runs ends it as lost, with a reason and no exit code',
    body: async (house) => {
      const sandbox = await house.sandbox();
      const { ended } = await sandbox.start(`echo up; ${programs.beat}`, { timeoutMs: 35_000 });
      await vanish(house, sandbox);
      const run = await within(25_000, 'execute() whose environment vanished', ended);
      equal([run.end.cause, run.end.exitCode, run.end.signal, run.stdout], ['lost', null, null, 'up\n'], {
        promise: 'When the environment dies underneath, the end is `lost`: the fate of the program is not known.',
        mend: 'Tell "the program ended" and "what watched it ended" apart; never make an exit code of the second.',
      });
      holds(
        isSentence(run.end.reason),
        { promise: 'A lost end says why.', mend: 'Put a sentence into `reason`.' },
        run.end.reason,
      );
      await endsTruthfully(sandbox);
      equal(await sandbox.cleanup(), true, stillCleans);
      await house.assertNothingLeft();
    },
  },
  {
    name: 'an environment that vanishes while idle: the next command ends as lost or not-started, or runs in its workspace',
    body: async (house) => {
      const sandbox = await house.sandbox();
      await sandbox.sh('echo kept > kept');
      await vanish(house, sandbox);
      await endsTruthfully(sandbox);
      await endsTruthfully(sandbox);
      equal(await sandbox.cleanup(), true, stillCleans);
      await house.assertNothingLeft();
    },
  },
  {
    name: 'a sandbox that vanished can be cleaned up without having run',
    body: async (house) => {
      const sandbox = await house.sandbox();
      await vanish(house, sandbox);
      equal(await sandbox.cleanup(), true, stillCleans);
      await house.assertNothingLeft();
    },
  },
  {
    name: 'other sandboxes are not touched by it, and the provider makes new ones afterwards',
    body: async (house) => {
      const [sandbox, other] = [await house.sandbox(), await house.sandbox()];
      const stop = new AbortController();
      const running = await other.start('echo up; while :; do sleep 0.05; done', {
        signal: stop.signal,
        killGraceMs: 100,
      });
      const lost = await sandbox.start(`echo up; ${programs.beat}`, { timeoutMs: 35_000 });
      await vanish(house, sandbox);
      await within(25_000, 'execute() whose environment vanished', lost.ended);
      const state = await Promise.race([
        running.ended.then(() => 'ended'),
        new Promise((resolve) => setTimeout(resolve, 200, 'runs')),
      ]);
      stop.abort();
      const { end } = await running.ended;
      equal([state, end.cause], ['runs', 'stopped'], {
        promise: 'One sandbox that vanishes takes no other with it.',
        mend: 'Look for what sandboxes share, or for an error that ends a loop over all of them.',
      });
      await other.assertRunsAgain();
      const fresh = await house.sandbox();
      await fresh.assertRunsAgain();
    },
  },
]);

const stillCleans = {
  promise: 'cleanup() of a sandbox that vanished is true, and removes what is left of it.',
  mend: 'Take "is gone already" for removed, at every step, and go on with the others.',
};

async function vanish(house: House, { id }: TestSandbox): Promise<void> {
  await within(
    30_000,
    'fixtures.vanish()',
    house.claims.fixtures.vanish({ sandboxId: id, instanceId: house.instanceId }),
  );
}

/** Whatever became of it: a command ends, and its end is no lie. */
async function endsTruthfully(sandbox: TestSandbox): Promise<void> {
  const { end, stdout } = await sandbox.sh('echo alive; ls', { hangsAfterMs: 25_000 });
  const ran = end.cause === 'exited' && end.exitCode === 0 && stdout.startsWith('alive\n');
  const gone = end.cause === 'lost' || end.cause === 'not-started';
  holds(
    ran || gone,
    {
      promise: 'A command in a sandbox that vanished is `lost` or `not-started` with a reason, unless it really ran.',
      mend: 'Look whether the environment is there when a start fails, and put what is known into `reason`.',
    },
    end,
  );
}
