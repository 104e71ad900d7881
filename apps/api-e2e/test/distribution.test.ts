import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from './until.js';

// The server as npm installs it from tarballs, in a folder that knows nothing of the repository.
let folder: string;
let data: string;
const children: ChildProcess[] = [];

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ergon-distribution-'));
  data = mkdtempSync(join(tmpdir(), 'ergon-distribution-data-'));
  execFileSync('bash', [join(__dirname, '../../api/deploy/pack.sh'), folder]);
}, 180_000);

afterEach(async () => {
  for (const child of children.splice(0)) if (child.exitCode === null && child.signalCode === null) await end(child);
});

afterAll(() => {
  for (const made of [folder, data]) rmSync(made, { recursive: true, force: true });
});

const bin = (): string => join(folder, 'node_modules/.bin/ergon-sandbox-api');
const program = (): string => join(folder, 'node_modules/@ergon/sandbox-api/dist/main.js');

async function end(child: ChildProcess): Promise<void> {
  const exit = once(child, 'exit');
  process.kill(-(child.pid ?? 0), 'SIGTERM');
  await exit;
}

/** Starts it outside the repository. @returns its address once it listens */
async function start(command: string, args: readonly string[]): Promise<{ url: string; child: ChildProcess }> {
  const { PATH, HOME } = process.env;
  const child = spawn(command, args, {
    cwd: folder,
    env: {
      PATH,
      HOME,
      DOCKER_HOST: 'unix:///nowhere/docker.sock',
      ERGON_SANDBOX_PORT: '0',
      ERGON_SANDBOX_DATA_DIR: data,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true, // npx does not hand signals on: they go to its group, as those of a terminal do
  });
  children.push(child);
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const listening = (): string | undefined => /"url":"([^"]+)"/.exec(output)?.[1];
  await until(() => listening() !== undefined || child.exitCode !== null, 30_000);
  return { url: listening() ?? '', child };
}

async function post(url: string, body: unknown): Promise<Record<string, unknown>> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  });
  expect(response.status).toBe(200);
  return (await response.json()) as Record<string, unknown>;
}

test('--version and --help say what they are asked for, and start nothing', () => {
  expect(execFileSync(bin(), ['--version'], { encoding: 'utf8' })).toMatch(/^\d+\.\d+\.\d+\n$/);
  const help = execFileSync(bin(), ['--help'], { encoding: 'utf8', env: { PATH: process.env.PATH } });
  expect(help).toContain('Usage: ergon-sandbox-api');
  expect(help).toContain('ERGON_SANDBOX_TOKEN_FILE');
  expect(help).not.toMatch(/ERGON_SANDBOX_(PROVIDERS|ENV_ALLOW|KEEP)\b/); // which stop the start
});

test.each([
  ['npx ergon-sandbox-api', () => ({ command: 'npx', args: ['--no-install', 'ergon-sandbox-api'] })],
  ['node dist/main.js', () => ({ command: process.execPath, args: [program()] })],
])('%s serves the documentation and runs a solution', async (_how, how) => {
  const { command, args } = how();
  const { url, child } = await start(command, args);
  expect((await fetch(`${url}/docs`)).status).toBe(200);
  expect(await (await fetch(`${url}/docs/swagger-ui-bundle.js`)).text()).toContain('SwaggerUIBundle');
  expect(await (await fetch(`${url}/openapi.json`)).json()).toMatchObject({ openapi: '3.1.0' });
  const content = { main_file: 'main.sh', code: 'echo "$((6 * 7))"; exit 3' };
  const { id } = await post(`${url}/api/ergon/registry/store`, { type: 'solution', name: 'd', version: '1', content });
  const opened = await post(`${url}/api/ergon/sandbox/test`, { solution_id: id, run: true });
  const result = await fetch(`${url}/api/ergon/sandbox/results/${String(opened.sandbox_id)}?wait=30`);
  expect(await result.json()).toMatchObject({ status: 'failed', exit_code: 3, stdout: '42\n' });
  await end(child);
  await until(
    () =>
      fetch(url).then(
        () => false,
        () => true,
      ),
    20_000,
  );
});
