import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bin, repository, run, type Ended } from './workspace.js';

// Each test runs jest.

let folder: string;
let results: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ergon-test-results-'));
  results = join(folder, 'results');
  mkdirSync(results);
  writeFileSync(join(folder, 'package.json'), '{}');
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** A jest run of one file, counted as a project's. Colours are forced, as some CI does. */
function runJest(project: string, source: string): Promise<Ended> {
  const file = join(folder, `${project}.test.js`);
  writeFileSync(file, source);
  const reporter = join(repository, 'tools/test-results/reporter.cjs');
  return run(bin('jest'), ['--reporters=default', `--reporters=${reporter}`, '--runTestsByPath', file], {
    cwd: folder,
    env: {
      ERGON_TEST_RESULTS: results,
      NX_TASK_TARGET_PROJECT: project,
      NX_TASK_TARGET_TARGET: 'test',
      FORCE_COLOR: '1',
    },
  });
}

async function summary(...args: string[]): Promise<{ code: number | null; lastLine: string | undefined }> {
  const { code, output } = await summarize(...args);
  return { code, lastLine: output.trimEnd().split('\n').at(-1) };
}

function summarize(...args: string[]): Promise<Ended> {
  const script = join(repository, 'tools/test-results/summary.mjs');
  return run('node', [script, ...args], { env: { FORCE_COLOR: '1' } });
}

test('the counts of all runs are summed in the last line', async () => {
  await runJest('one', 'test("a", () => {}); test("b", () => {}); test.skip("c", () => {});');
  await runJest('two', 'test("a", () => {});');
  expect(await summary(results, 'one:test=0', 'two:test=0')).toEqual({
    code: 0,
    lastLine: '3 passed, 0 failed, 1 skipped',
  });
});

test('a failed test and a file that does not load each count as failed', async () => {
  await runJest('one', 'test("a", () => {}); test("b", () => { throw new Error("no"); });');
  await runJest('two', 'this is not JavaScript');
  expect(await summary(results, 'one:test=1', 'two:test=1')).toEqual({
    code: 1,
    lastLine: '1 passed, 2 failed, 0 skipped',
  });
});

test('what failed is told at the end, by its run, file, name and reason', async () => {
  await runJest('one', 'test("a", () => {}); test("b", () => { throw new Error("no such luck"); });');
  await runJest('two', 'this is not JavaScript');
  const { output } = await summarize(results, 'one:test=1', 'two:test=1');
  expect(output).toContain('==> Failed: one:test, one.test.js\n  ● b\n\n    no such luck\n');
  expect(output).toContain('==> Failed: two:test, two.test.js\n  ● Test suite failed to run\n');
});

test('a run that died before its end counts as failed', async () => {
  await runJest('one', 'test("a", () => {});');
  await runJest('two', 'test("a", () => { process.kill(process.pid, "SIGKILL"); });');
  expect(await summary(results, 'one:test=0', 'two:test=137')).toEqual({
    code: 1,
    lastLine: '1 passed, 1 failed, 0 skipped',
  });
});

test('a failed step counts as failed, and so does an exit code that no test explains', async () => {
  await runJest('one', 'test("a", () => {});');
  expect(await summary('--failed', 'Lint', '--', results, 'one:test=0')).toEqual({
    code: 1,
    lastLine: '1 passed, 1 failed, 0 skipped',
  });
  expect(await summary(results, 'one:test=1')).toEqual({ code: 1, lastLine: '1 passed, 1 failed, 0 skipped' });
});
