// Usage: node not-run.mjs REASON
// Leaves the count of a run that could not be done here, as reporter.cjs leaves that of one that was, for summary.mjs.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

const { ERGON_TEST_RESULTS, NX_TASK_TARGET_PROJECT, NX_TASK_TARGET_TARGET } = process.env;
const run = `${NX_TASK_TARGET_PROJECT}:${NX_TASK_TARGET_TARGET}`;
// How many tests there would have been is not known: it counts as one.
const counts = { run, passed: 0, failed: 0, skipped: 1, notRun: process.argv[2] };
const name = `${NX_TASK_TARGET_PROJECT}-${NX_TASK_TARGET_TARGET}.json`.replaceAll('/', '-');
writeFileSync(join(ERGON_TEST_RESULTS, name), JSON.stringify(counts));
