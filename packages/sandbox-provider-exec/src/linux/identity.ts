import { randomInt } from 'node:crypto';

/** Host uids that systemd's table of uids leaves unused; distributions and container engines give none of these. */
const FIRST_UID = 1_879_048_192;
export const LAST_UID = 2_147_352_575;

/** A host uid, and gid, for one sandbox of a root server. Nothing else of the machine runs or owns files as it. */
export function randomHostUid(): number {
  return randomInt(FIRST_UID, LAST_UID + 1);
}
