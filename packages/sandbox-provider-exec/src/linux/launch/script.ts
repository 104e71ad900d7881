import { GUEST } from '../../posix/guest.js';

/**
 * Runs as pid 1 of the sandbox: parks a shell that waits for its script, and ends as that does. Children killed by a signal it
 * reports on its stderr ("Killed", "Segmentation fault"), which is how 128 + n of a signal is told from an exit with that number.
 * `ready` is said when bubblewrap has done all of its work, its wish to die with its parent included; last come the CPU times.
 *
 * A program may send it signals and set its limits. Of the signals, SIGINT alone reaches a shell that is an init: it is caught, not
 * ignored, for only then its children have it as ever. What it needs at the end is open from the start.
 */
export const INIT_SCRIPT = [
  'if [ -n "${BASH_VERSION-}" ]; then set +o posix; fi', // else bash reports no deaths
  'trap : INT',
  `exec >&${GUEST.status}`,
  'echo ready',
  '/bin/sh -s',
  'code=$?',
  'times',
  'exit $code',
].join('\n');

/**
 * Makes the waiting shell the leader of a session (setsid(1)), whose terminal will be the first one that it opens. What it says comes
 * before anything more is sent, since a shell may read ahead, and what it has read is gone with it.
 */
export const LEAD_SCRIPT = `{ echo leads >&${GUEST.status}; exec /usr/bin/setsid /bin/sh -s; }\n`;
