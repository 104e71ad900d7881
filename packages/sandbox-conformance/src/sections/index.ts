import type { Section } from '../suite.js';
import { endedByUs } from './ended-by-us.js';
import { ends } from './ends.js';
import { environment } from './environment.js';
import { lifecycle } from './lifecycle.js';
import { output } from './output.js';
import { preparation } from './preparation.js';
import { probe } from './probe.js';
import { solutionFiles } from './files.js';

export const sections: readonly Section[] = [
  probe,
  lifecycle,
  preparation,
  solutionFiles,
  environment,
  output,
  ends,
  endedByUs,
];
