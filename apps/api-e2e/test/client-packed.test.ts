import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { SandboxClient } from '@ergon/sandbox-client';
import { build, transform } from 'esbuild';
import { launchBrowser } from './browser.js';
import { listening, serve, store, token } from './client-server.js';
import type { Served } from './client-server.js';
import { TestServer } from './server.js';

// npm packs and installs, on a machine that may be busy.
jest.setTimeout(240_000);

const exec = promisify(execFile);
const repository = join(__dirname, '../../..');
const packageDir = join(repository, 'packages/sandbox-client');
const readme = readFileSync(join(packageDir, 'README.md'), 'utf8');

let served: Served;
let folder: string;
beforeAll(async () => {
  served = await serve();
  folder = mkdtempSync(join(tmpdir(), 'ergon-client-'));
  await exec('npm', ['pack', '--pack-destination', folder], { cwd: packageDir });
  writeFileSync(join(folder, 'package.json'), '{ "private": true }');
  const tarball = readdirSync(folder).find((name) => name.endsWith('.tgz')) ?? '';
  await exec('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', `./${tarball}`], { cwd: folder });
});
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await TestServer.endAll();
});

/** The text of the only block of code in the README that is marked so. */
function codeOf(mark: string): string {
  const blocks = [...readme.matchAll(/```(\w+)\n(.*?)```/gs)].filter(([, language]) => language === mark);
  expect(blocks).toHaveLength(1);
  return blocks[0]?.[2] ?? '';
}

/** Runs a file of the folder, against the server. */
async function run(file: string, text: string): Promise<string> {
  writeFileSync(join(folder, file), text);
  const env = { ...process.env, FORCE_COLOR: '0', ERGON_SANDBOX_URL: served.server.url, ERGON_SANDBOX_TOKEN: token };
  return (await exec(process.execPath, [file], { cwd: folder, env })).stdout;
}

it("the types of the wire are those of the server's document", async () => {
  const compared = await exec('node', [join(packageDir, 'generate.mjs'), served.server.url]);
  expect(compared).toMatchObject({ stdout: '', stderr: '' });
});

const program = codeOf('js');
const required = program
  .replace(/import (.*) from '(.*)';/, "const $1 = require('$2');\n(async () => {")
  .concat('})();\n');

it.each([
  ['main.mjs', program],
  ['main.cjs', required],
])("the README's program, of twenty lines, runs from an empty folder as %s", async (file, text) => {
  expect(program.split('\n').filter((line) => line.trim() !== '').length).toBeLessThanOrEqual(20);
  const stdout = await run(file, text);
  expect(stdout).toMatch(/^3 hello\nwritten by the client\n/);
  expect(stdout).toMatch(/\b30 100\r\n/);
});

it("the README's events are of the types that it says, with nothing of Node's, and come as it says", async () => {
  const source = `
    import { SandboxClient } from '@ergon/sandbox-client';
    const client = new SandboxClient();
    const { id } = await client.solutions.store({ name: 'events', version: '1', content: { code: 'true', main_file: 'main.sh' } });
    await using sandbox = await client.sandboxes.open(id, { timeout: 60 });
    ${codeOf('ts')}`;
  writeFileSync(join(folder, 'events.mts'), source);
  const compilerOptions = {
    target: 'es2022',
    lib: ['es2022', 'dom', 'dom.asynciterable', 'esnext.disposable'],
    module: 'nodenext',
    strict: true,
    noEmit: true,
    types: [],
  };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['events.mts'] }));
  const compiler = join(repository, 'node_modules/typescript/bin/tsc');
  const checked = await exec(process.execPath, [compiler, '-p', folder]).catch((error: unknown) => error);
  expect(checked).toMatchObject({ stdout: '' });
  const { code } = await transform(source, { loader: 'ts', target: 'node20' });
  expect(await run('events.mjs', code)).toBe('     1\tone\n     2\ttwo\ncompleted 0\n');
});

it('it works in a browser, bundled without ws, on a page of another origin', async () => {
  const origin = await listening(
    createServer((_request, response) => {
      response.setHeader('Content-Type', 'text/html').end('<title>client</title>');
    }),
  );
  const far = await TestServer.start({ env: { ERGON_SANDBOX_TOKEN: token, ERGON_SANDBOX_ORIGINS: origin } });
  const id = await store(new SandboxClient({ baseUrl: far.url, token }));
  const source = `
    import { SandboxClient } from '@ergon/sandbox-client';
    window.work = async (baseUrl, token, id) => {
      const sandbox = await new SandboxClient({ baseUrl, token }).sandboxes.open(id);
      const lines = [];
      const { exitCode } = await sandbox.commands.run('echo hello; exit 3', { onStdout: (line) => lines.push(line) });
      const execution = await sandbox.commands.start('cat; exit 4', { stdin: true });
      await execution.stdin.write('typed\\n');
      await execution.stdin.close();
      const events = [];
      for await (const event of execution.events()) {
        if (event.type === 'stdout') events.push(event.line);
        if (event.type === 'end') events.push(event.exitCode);
      }
      await sandbox.files.write('a.txt', 'from a page');
      const text = await sandbox.files.readText('a.txt');
      let screen = '';
      const onData = (bytes) => (screen += new TextDecoder().decode(bytes));
      const terminal = await sandbox.pty.create({ cols: 70, rows: 20, onData });
      await terminal.write('stty size; exit\\r');
      await terminal.wait();
      await sandbox.remove();
      return { exitCode, lines, events, text, screen };
    };`;
  rmSync(join(folder, 'node_modules/ws'), { recursive: true });
  const stdin = { contents: source, resolveDir: folder };
  const bundle = await build({ stdin, bundle: true, platform: 'browser', write: false, logLevel: 'silent' });
  const browser = await launchBrowser();
  try {
    const tab = await browser.newPage();
    await tab.goto(origin);
    await tab.addScriptTag({ content: bundle.outputFiles[0]?.text ?? '' });
    const call = `window.work(${JSON.stringify(far.url)}, ${JSON.stringify(token)}, ${JSON.stringify(id)})`;
    const seen: unknown = await tab.evaluate(call);
    expect(seen).toMatchObject({ exitCode: 3, lines: ['hello'], events: ['typed', 4], text: 'from a page' });
    expect(seen).toMatchObject({ screen: expect.stringContaining('20 70') as string });
  } finally {
    await browser.close();
  }
});
