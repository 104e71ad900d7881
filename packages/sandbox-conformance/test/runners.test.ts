import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { contractVersion } from '@ergon/sandbox-core';
import { describeProvider } from '../src/index.js';
import type { ConformanceOptions, ConformanceReport } from '../src/index.js';

const root = resolve(__dirname, '../../..');
const { version } = JSON.parse(readFileSync(join(__dirname, '../package.json'), 'utf8')) as { version: string };
const bin = (name: string): string => join(root, 'node_modules/.bin', name);
const runners = {
  jest: { file: 'suite.test.cjs', words: [bin('jest'), '--ci', '--rootDir', '.', '--testMatch', '**/suite.test.cjs'] },
  vitest: { file: 'suite.spec.mjs', words: [bin('vitest'), 'run', '--root', '.', 'suite.spec.mjs'] },
  'node --test': { file: 'suite-node.mjs', words: [process.execPath, '--test', 'suite-node.mjs'] },
} as const;

/** A project outside of the repository with the suite, bundled from its sources, and a test file for each runner. */
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'conformance-runners-'));
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  writeFileSync(join(folder, 'package.json'), '{}');
  const bundle = {
    input: join(__dirname, 'support/tiny-suite.ts'),
    platform: 'node',
    resolve: { conditionNames: ['@ergon/source', 'import', 'node', 'default'] },
  };
  const outputs = { esm: 'tiny.mjs', cjs: 'tiny.cjs' };
  const bundles = Object.entries(outputs).map(([format, name]) => ({
    ...bundle,
    output: { format, file: join(folder, name) },
  }));
  writeFileSync(join(folder, 'rolldown.mjs'), `export default ${JSON.stringify(bundles)};`);
  const { code, text } = await run([bin('rolldown'), '-c', 'rolldown.mjs']);
  expect(code === 0 ? 'bundled' : text).toBe('bundled');
  writeFileSync(join(folder, runners.jest.file), "require('./tiny.cjs').declareTinySuite(test);");
  const declare = "import { declareTinySuite } from './tiny.mjs';\ndeclareTinySuite(test);";
  writeFileSync(join(folder, runners.vitest.file), `import { test } from 'vitest';\n${declare}`);
  writeFileSync(join(folder, runners['node --test'].file), `import { test } from 'node:test';\n${declare}`);
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

test.each(Object.entries(runners))(
  'with %s the suite runs, passes, and reports what is not claimed',
  async (runner, { words }) => {
    const report = join(folder, 'report', runner);
    const { code, text } = await run(words, { TINY_REPORT: report });
    expect(code === 0 ? 'passed' : text).toBe('passed');
    expect(text).toContain('Conformance of `tiny`');
    const markdown = readFileSync(`${report}.md`, 'utf8');
    expect(markdown).toMatch(
      /\| a command runs, its output and exit code are told, and cleanup\(\) leaves nothing +\| passed +\|/,
    );
    expect(markdown).toMatch(/\| samples are reported while it runs, and never go back +\| not claimed: usage +\|/);
    expect(markdown).toMatch(
      /\| SIGTERM, met by itself, is told as a signal with its name +\| not run: filtered out +\|/,
    );
    expect(markdown).toMatch(/\| all three streams are a terminal .+\| not claimed: tty +\|/);
    expect(markdown).toMatch(
      /\| full: what the author names can be reached +\| not run: no fixture `reachable` given +\|/,
    );
    expect(markdown).toMatch(
      /\| \[Symbol\.asyncDispose\]\(\) of the provider that the tests shared settles +\| passed +\|/,
    );
    expect(markdown).toContain(`Contract ${contractVersion}, suite ${version}.`);
    expect(markdown).not.toContain('limit output');
    expect(markdown).not.toMatch(/\| failed/);
    const { suite, contract, provider, tests } = JSON.parse(
      readFileSync(`${report}.json`, 'utf8'),
    ) as ConformanceReport;
    expect({ suite, contract, provider }).toEqual({ suite: version, contract: contractVersion, provider: 'tiny' });
    expect(tests.filter(({ outcome }) => outcome === 'passed').length).toBeGreaterThan(12);
    expect(leftInTemporaryFolder()).toEqual([]);
  },
);

test('the three reports are the same to the byte', () => {
  for (const ending of ['md', 'json']) {
    const texts = readdirSync(join(folder, 'report'))
      .filter((name) => name.endsWith(ending))
      .map((name) => readFileSync(join(folder, 'report', name), 'utf8'));
    expect(texts).toHaveLength(3);
    expect(new Set(texts).size).toBe(1);
  }
});

test.each(Object.entries(runners))(
  'with %s a provider whose disposal fails at the end fails, and its report says so',
  async (runner, { words }) => {
    const report = join(folder, 'undisposed', runner);
    const { code, text } = await run(words, { TINY_UNDISPOSED: '1', TINY_REPORT: report });
    expect(code).toBe(1);
    expect(text).toContain('Broken promise: asyncDispose does not fail.');
    expect(readFileSync(`${report}.md`, 'utf8')).toMatch(
      /\| \[Symbol\.asyncDispose\]\(\) of the provider that the tests shared settles +\| failed +\|/,
    );
  },
);

test.each(Object.entries(runners))(
  'with %s a provider that lies fails, and its author is told what to mend',
  async (_, { words }) => {
    const { code, text } = await run(words, { TINY_LIE: '1' });
    expect(code).toBe(1);
    expect(text).toContain('Broken promise: A program that exits 42 has ended as `exited` with exit code 42.');
    expect(text).toContain('To mend: Pass on the exit code that was seen.');
    expect(text).toMatch(/exit 42 is an exit with that number +\| failed/);
    expect(leftInTemporaryFolder()).toEqual([]);
  },
);

// vitest ends its worker at once, so that nothing can be done after a last test: its users let Report run.
test.each(Object.entries(runners).filter(([runner]) => runner !== 'vitest'))(
  'with %s nothing is left where the test that reports was left out',
  async (_, { words }) => {
    const { code, text } = await run(words, { TINY_UNREPORTED: '1' });
    expect(code === 0 ? 'passed' : text).toBe('passed');
    expect(text).not.toContain('Conformance of');
    expect(leftInTemporaryFolder()).toEqual([]);
  },
);

function leftInTemporaryFolder(): string[] {
  return readdirSync(folder).filter((name) => name.startsWith('ergon-conformance-'));
}

function run(words: readonly string[], environment: NodeJS.ProcessEnv = {}): Promise<{ code: number; text: string }> {
  const [file = '', ...args] = words;
  const env = { PATH: process.env.PATH, HOME: process.env.HOME, TMPDIR: folder, NO_COLOR: '1', ...environment };
  return new Promise((settle) => {
    execFile(file, args, { cwd: folder, env, maxBuffer: 64 << 20 }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
      settle({ code, text: stdout + stderr });
    });
  });
}

test.each<[string, object]>([
  ['test', {}],
  ['createProvider', { test }],
  ['fixtures.vanish', { test, createProvider: () => null }],
  ['fixtures.leftovers', { test, createProvider: () => null, fixtures: { vanish: () => Promise.resolve() } }],
])('without %s the suite says so when it is declared', (name, options) => {
  expect(() => describeProvider(options as unknown as ConformanceOptions)).toThrow(
    `describeProvider: \`${name}\` has to be a function`,
  );
});
