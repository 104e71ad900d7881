import { randomInt } from 'node:crypto';

/** Host uids that systemd's table of uids leaves unused; distributions and container engines give none of these. */
const UNUSED = { first: 1_879_048_192, last: 2_147_352_574 };
/** Within the 65,536 that an engine which maps users has, beyond those of distributions' own users. */
const MAPPED = { first: 20_000, last: 60_000 };

/** Two users for one sandbox. Nothing else of the machine runs or owns files as them. Each has its own uid as its gid, too. */
export interface Identity {
  /** Of the solution's programs, and of its files. */
  readonly program: number;
  /** Of the container's main process, so that programs can't signal it. */
  readonly holder: number;
}

/** Whether a program may have it, on some engine. */
export function isProgramUser(uid: number): boolean {
  return Number.isInteger(uid) && [UNUSED, MAPPED].some(({ first, last }) => uid >= first && uid < last);
}

/** Of a sandbox whose programs have a uid that is known already. */
export function identityOf(program: number): Identity {
  return { program, holder: program + 1 };
}

/**
 * @param mapped the engine maps uids to others of the host (user namespaces, rootless), and has only a range of them
 * @param taken is told of a program's uid whether another sandbox has it
 */
export function randomIdentity(mapped: boolean, taken: (program: number) => boolean): Identity {
  const { first, last } = mapped ? MAPPED : UNUSED;
  for (;;) {
    // Pairs that begin at even distances share no uid, or both.
    const program = first + 2 * randomInt(Math.floor((last - first) / 2));
    if (!taken(program)) return identityOf(program);
  }
}
