import { equal, holds } from '../../promises.js';
import { needsAll, needsLimit, part } from '../../suite.js';
import { filesOf, mend, needsFiles, pieces, refusesWith, shape, step, text } from './calls.js';

/** Programs, cancellations, a full disk and cleanup() that come between. */
export const disturbances = part([
  {
    name: 'they work while a program runs, and do not disturb it',
    shares: true,
    needs: needsFiles,
    body: async (house) => {
      const { sandbox, files } = await filesOf(house);
      const { ended } = await sandbox.start('echo up; while [ ! -e go ]; do sleep 0.05; done; cat go; exit 4');
      await step('list()', () => files.list('/workspace'));
      await step('write()', () => files.write('/workspace/go', pieces('went')));
      const run = await ended;
      equal([run.stdout, run.end.cause, run.end.exitCode, run.end.limitsHit], ['up\nwent', 'exited', 4, []], {
        promise: 'Files can be read and written while a command runs.',
        mend: 'Work beside the program, with processes of your own.',
      });
    },
  },
  {
    name: 'a write that is cancelled, or whose source fails, leaves the old file',
    shares: true,
    needs: needsFiles,
    body: async (house) => {
      const { sandbox, files } = await filesOf(house);
      await sandbox.sh('echo old > kept; rm -rf many shown made');
      const failing = async function* (): AsyncGenerator<Uint8Array> {
        yield Buffer.from('half');
        throw new Error('the source failed');
      };
      const before = await step('list()', () => files.list('/workspace'));
      const outcome = await files.write('/workspace/kept', failing()).then(
        () => 'written',
        () => 'refused',
      );
      const stop = new AbortController();
      const endless = async function* (): AsyncGenerator<Uint8Array> {
        yield Buffer.from('half');
        stop.abort();
        await new Promise(() => undefined);
      };
      await refusesWith(
        files.write('/workspace/kept', endless(), { signal: stop.signal }),
        'SANDBOX011',
        'A cancelled call is refused with SANDBOX011.',
      );
      const after = await step('list()', () => files.list('/workspace'));
      equal(
        [outcome, await text(files, '/workspace/kept'), after.entries.map(shape)],
        ['refused', 'old\n', before.entries.map(shape)],
        {
          promise: 'write() replaces a file whole or not at all, and leaves nothing beside it.',
          mend: 'Write aside, rename when all is there, and remove it when not.',
        },
      );
    },
  },
  {
    name: 'a write that does not fit is refused with SANDBOX004, and the file that was there stays',
    needs: needsAll(needsFiles, needsLimit('disk')),
    body: async (house) => {
      const { files } = await filesOf(house, await house.sandbox({ limits: { diskBytes: 8 << 20 } }));
      await step('write()', () => files.write('/workspace/f', pieces('old')));
      const much = async function* (): AsyncGenerator<Uint8Array> {
        for (let i = 0; i < 300; i++) {
          yield new Uint8Array(100_000);
          await new Promise((resolve) => setTimeout(resolve, 2)); // a watchdog looks now and then
        }
      };
      await refusesWith(
        files.write('/workspace/f', much()),
        'SANDBOX004',
        'What does not fit is refused with SANDBOX004.',
      );
      equal(await text(files, '/workspace/f'), 'old', { promise: 'A failed write() changes nothing.', mend });
    },
  },
  {
    name: 'cleanup() ends a read() that is under way, and does not wait for its reader',
    needs: needsFiles,
    body: async (house) => {
      const { sandbox, files } = await filesOf(house, await house.sandbox());
      await sandbox.sh('dd if=/dev/zero of=large bs=1M count=32 2>/dev/null');
      const reading = files.read('/workspace/large')[Symbol.asyncIterator]();
      const first = await step('read()', () => reading.next());
      holds(first.done !== true, { promise: 'read() gives a file in parts.', mend });
      const started = performance.now();
      const cleaned = await sandbox.cleanup();
      const wallMs = performance.now() - started;
      holds(
        cleaned && wallMs < 10_000,
        {
          promise: 'cleanup() is true soon, though calls to files are under way.',
          mend: 'End their helpers, whether somebody reads on or not.',
        },
        { cleaned, wallMs },
      );
      await house.assertNothingLeft();
      const rest = async (): Promise<void> => {
        while ((await reading.next()).done !== true);
      };
      await refusesWith(rest(), 'SANDBOX006', 'A read() whose sandbox was cleaned up is refused with SANDBOX006.');
    },
  },
]);
