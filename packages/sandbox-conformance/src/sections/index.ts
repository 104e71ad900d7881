import type { Section } from '../suite.js';
import { concurrency } from './concurrency.js';
import { endedByUs } from './ended-by-us.js';
import { ends } from './ends.js';
import { environment } from './environment.js';
import { fileCalls } from './file-calls/index.js';
import { hostile } from './hostile.js';
import { lifecycle } from './lifecycle.js';
import { limits } from './limits/index.js';
import { output } from './output/index.js';
import { preparation } from './preparation.js';
import { probe } from './probe.js';
import { solutionFiles } from './files.js';
import { mounts } from './mounts.js';
import { network } from './network.js';
import { stdin } from './stdin.js';
import { terminal } from './terminal.js';
import { vanishing } from './vanishing.js';
import { usage } from './usage.js';

export const sections: readonly Section[] = [
  probe,
  lifecycle,
  preparation,
  solutionFiles,
  environment,
  output,
  ends,
  endedByUs,
  concurrency,
  limits,
  usage,
  stdin,
  terminal,
  network,
  vanishing,
  hostile,
  mounts,
  fileCalls,
];
