import { randomBytes } from 'node:crypto';

/** A variable of the host's that the suite sets for its time, and that no program may ever see. */
export const hostSecret = {
  name: 'ERGON_CONFORMANCE_SECRET',
  value: `host-secret-${randomBytes(8).toString('hex')}`,
} as const;
