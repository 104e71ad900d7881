// A jest reporter: leaves the counts of one run, and what failed in it, in the folder that ERGON_TEST_RESULTS names, for summary.mjs.
const { writeFileSync } = require('node:fs');
const { join, relative } = require('node:path');
const { stripVTControlCharacters } = require('node:util');

class CountsReporter {
  onRunComplete(_contexts, results) {
    // Nx names the task that it runs; a plain jest run has no such name.
    const project = process.env.NX_TASK_TARGET_PROJECT ?? `pid-${process.pid}`;
    const target = process.env.NX_TASK_TARGET_TARGET ?? 'test';
    const counts = {
      run: `${project}:${target}`,
      passed: results.numPassedTests,
      // A file that could not even be loaded has no failed test in it, and yet failed; so has a run cut short.
      failed: results.numFailedTests + results.numRuntimeErrorTestSuites + (results.wasInterrupted ? 1 : 0),
      skipped: results.numPendingTests + results.numTodoTests,
      failures: results.testResults
        .filter(({ failureMessage }) => failureMessage)
        .map(({ testFilePath, failureMessage }) => ({
          file: relative(process.cwd(), testFilePath),
          message: stripVTControlCharacters(failureMessage),
        })),
    };
    const name = `${project}-${target}.json`.replaceAll('/', '-');
    writeFileSync(join(process.env.ERGON_TEST_RESULTS, name), JSON.stringify(counts));
  }
}

module.exports = CountsReporter;
