import { section } from '../../suite.js';
import type { Section } from '../../suite.js';
import { bytesAndOrder } from './bytes.js';
import { flow } from './flow.js';

export const output: Section = section('Output', [...bytesAndOrder, ...flow]);
