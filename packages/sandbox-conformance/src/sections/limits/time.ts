import { holds } from '../../promises.js';
import { needsLimit, part } from '../../suite.js';

export const time = part([
  {
    name: 'wall-time: the deadline counts from the program’s start, not from the call',
    needs: needsLimit('wall-time'),
    body: async (house) => {
      const sandbox = await house.sandbox();
      const marks: Record<string, number> = {};
      const run = await sandbox.sh('sleep 100', {
        timeoutMs: 700,
        killGraceMs: 100,
        report: (report) => {
          if (report.type === 'phase') marks[report.phase] = performance.now();
        },
      });
      const ms = (marks.ended ?? NaN) - (marks.started ?? NaN);
      // Who looks now and then may be late, and is never early.
      const latestMs = house.claims.capabilities.limits['wall-time'] === 'hard' ? 5000 : 15_000;
      holds(
        run.end.cause === 'timeout' && ms >= 680 && ms < latestMs,
        {
          promise: `A run is ended when its time since the phase \`started\` is over, at most ${latestMs - 800} ms late.`,
          mend: 'Start the timer when the program starts, not when execute() is called; report `started` at that moment.',
        },
        { ms, cause: run.end.cause },
      );
    },
  },
]);
