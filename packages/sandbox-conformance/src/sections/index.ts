import type { Section } from '../suite.js';
import { endedByUs } from './ended-by-us.js';
import { ends } from './ends.js';
import { lifecycle } from './lifecycle.js';
import { preparation } from './preparation.js';
import { probe } from './probe.js';

export const sections: readonly Section[] = [probe, lifecycle, preparation, ends, endedByUs];
