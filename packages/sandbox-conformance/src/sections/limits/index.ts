import { section } from '../../suite.js';
import type { Section } from '../../suite.js';
import { files } from './files.js';
import { memory } from './memory.js';
import { processes } from './processes.js';
import { time } from './time.js';

export const limits: Section = section('Limits', [...memory, ...processes, ...files, ...time]);
