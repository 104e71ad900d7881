import { FOOTPRINT, PS } from './ps.js';

type Words = readonly [string, ...string[]];

/** The system's programs that sandboxes are made with, by absolute paths: no PATH can put others in their place. */
export interface MacTools {
  readonly sandboxExec: string;
  /** bash, of any version. */
  readonly shell: string;
  readonly ps: Words;
  /** Gets pids as further words. */
  readonly footprint: Words;
  readonly version: Words;
}

export const macTools: MacTools = {
  sandboxExec: '/usr/bin/sandbox-exec',
  shell: '/bin/bash',
  ps: PS,
  footprint: FOOTPRINT,
  version: ['/usr/bin/sw_vers', '-productVersion'],
};
