// Usage: node summary.mjs [--failed STEP]... -- FOLDER RUN=EXIT_CODE...
// Sums what reporter.cjs left in FOLDER: prints what failed, each run's counts, and "N passed, N failed, N skipped" as the last
// line; exits 1 if anything failed.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { failed: { type: 'string', multiple: true, default: [] } },
});
const [folder, ...ended] = positionals;

const runs = readdirSync(folder).map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')));
const sum = (key) => runs.reduce((total, run) => total + run[key], 0);

const problems = values.failed.map((step) => `${step} failed`);
for (const entry of ended) {
  const [, name, code] = /^(.*)=(\d+)$/.exec(entry);
  const run = runs.find((found) => found.run === name);
  if (run === undefined) problems.push(`${name} did not finish (exit code ${code})`);
  else if (code !== '0' && run.failed === 0)
    problems.push(`${name} ended with exit code ${code} though no test failed`);
}

// Once more at the end: where only that is kept, or read, of a long run.
for (const { run, failures = [] } of runs)
  for (const { file, message } of failures) console.log(`\n==> Failed: ${run}, ${file}\n${message.trimEnd()}`);
console.log('');
for (const { run, passed, failed, skipped, notRun } of runs) {
  const why = notRun === undefined ? '' : ` (not run: ${notRun})`;
  console.log(`${run}: ${passed} passed, ${failed} failed, ${skipped} skipped${why}`);
}
for (const problem of problems) console.log(problem);
const failed = sum('failed') + problems.length;
console.log(`${sum('passed')} passed, ${failed} failed, ${sum('skipped')} skipped`);
process.exitCode = failed > 0 ? 1 : 0;
