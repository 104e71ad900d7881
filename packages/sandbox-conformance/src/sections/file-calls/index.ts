import { section } from '../../suite.js';
import type { Section } from '../../suite.js';
import { archives } from './archives.js';
import { contents } from './contents.js';
import { disturbances } from './disturbances.js';
import { refusals } from './refusals.js';

export const fileCalls: Section = section('Calls to files', [...contents, ...archives, ...refusals, ...disturbances]);
