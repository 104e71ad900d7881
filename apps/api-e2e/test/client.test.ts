import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { SandboxClient } from '@ergon/sandbox-client';
import type { Sandbox, SandboxEvent } from '@ergon/sandbox-client';
import { build } from 'esbuild';
import { chromium } from 'playwright-core';
import { TestServer } from './server.js';
import { until } from './until.js';

const exec = promisify(execFile);
const packageDir = join(__dirname, '../../../packages/sandbox-client');
const token = 'a-token-of-this-test';
const closing: Server[] = [];
const folders: string[] = [];

let server: TestServer;
let client: SandboxClient;
let solutionId: string;
beforeAll(async () => {
  server = await TestServer.start({ env: { ERGON_SANDBOX_TOKEN: token, ERGON_SANDBOX_MAX_CONCURRENT: '30' } });
  client = new SandboxClient({ baseUrl: server.url, token });
  solutionId = await store(client);
});
afterAll(async () => {
  for (const open of closing) open.close();
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  await TestServer.endAll();
});

async function store(to: SandboxClient): Promise<string> {
  const content = { code: 'echo own; exit 4', main_file: 'main.sh', test_command: ['echo', 'tested'] };
  return (await to.solutions.store({ name: 'client', version: '1', content })).id;
}

const open = (): Promise<Sandbox> => client.sandboxes.open(solutionId, { timeout: 120, memoryLimit: '256m' });

function emptyFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'ergon-client-'));
  folders.push(folder);
  return folder;
}

async function gather(events: AsyncIterable<SandboxEvent>): Promise<SandboxEvent[]> {
  const seen: SandboxEvent[] = [];
  for await (const event of events) seen.push(event);
  return seen;
}

/** Passes on what comes, and cuts each connection after a random number of bytes. @returns its address, and how often it cut */
async function choppingProxy(target: string): Promise<{ readonly url: string; readonly cuts: () => number }> {
  const { hostname, port } = new URL(target);
  let cuts = 0;
  const proxy = createServer((near) => {
    const far = connect(Number(port), hostname);
    const end = (): void => {
      near.destroy();
      far.destroy();
    };
    let left = 1500 + Math.floor(Math.random() * 10_000);
    far.on('data', (chunk: Buffer) => {
      near.write(chunk.subarray(0, left));
      left -= chunk.length;
      if (left > 0) return;
      cuts += 1;
      near.end(() => end());
      far.destroy();
    });
    near.on('data', (chunk: Buffer) => {
      if (chunk.includes('/ws/')) left = Math.min(left, 3000); // less than what the terminal shows
      far.write(chunk);
    });
    for (const socket of [near, far]) socket.on('error', end).on('close', () => (left > 0 ? end() : undefined));
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  closing.push(proxy);
  return { url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`, cuts: () => cuts };
}

describe('commands', () => {
  it('run to their end, tell their lines as they come, and a wrong exit code is a result', async () => {
    await using sandbox = await open();
    const lines: string[] = [];
    const result = await sandbox.commands.run('echo one; echo two >&2; read x; echo "got $x"; exit 3', {
      stdin: 'typed\n',
      onStdout: (line) => lines.push(line),
      onStderr: (line) => lines.push(`! ${line}`),
    });
    expect(result).toMatchObject({
      exitCode: 3,
      status: 'failed',
      stdout: 'one\ngot typed\n',
      stderr: 'two\n',
      timedOut: false,
    });
    expect([...lines].sort()).toEqual(['! two', 'got typed', 'one']);
    await expect(sandbox.commands.run(['false'], { check: true })).rejects.toMatchObject({
      name: 'SandboxCommandError',
      result: { exitCode: 1 },
    });
    expect(await sandbox.run()).toMatchObject({ exitCode: 4, stdout: 'own\n' });
    expect(await sandbox.test()).toMatchObject({ exitCode: 0, stdout: 'tested\n' });
    expect(await sandbox.results()).toMatchObject({ solutionId, stdout: 'tested\n' });
  });

  it('take their input as it is written, and give typed events with metrics and the end', async () => {
    await using sandbox = await open();
    const execution = await sandbox.commands.start('cat; sleep 1; exit 5', { stdin: true });
    const events = gather(execution.events());
    await execution.stdin.write('grün\n');
    await execution.stdin.write(new Uint8Array([0x61, 0x0a]));
    await execution.stdin.close();
    expect(await execution.wait()).toMatchObject({ exitCode: 5, stdout: 'grün\na\n' });
    const seen = await events;
    expect(seen.flatMap((event) => (event.type === 'stdout' ? [event.line] : []))).toEqual(['grün', 'a']);
    expect(new Set(seen.map(({ type }) => type))).toEqual(new Set(['stdout', 'metrics', 'end']));
    expect(seen.at(-1)).toMatchObject({ type: 'end', status: 'failed', cause: 'exited', exitCode: 5 });
    expect(await gather(client.events(execution.executionId, { after: seen[0]?.id ?? '' }))).toEqual(seen.slice(1));
    expect(await gather(client.events(execution.executionId, { after: seen.at(-1)?.id ?? '' }))).toEqual([]);
  });

  it('are stopped by their signal and by their timeout, and the sandbox can run the next', async () => {
    await using sandbox = await open();
    const leave = new AbortController();
    const left = sandbox.commands.run('echo up; exec sleep 60', {
      onStdout: () => leave.abort(new Error('enough')),
      signal: leave.signal,
    });
    await expect(left).rejects.toThrow('enough');
    expect(await sandbox.results()).toMatchObject({ status: 'stopped', stdout: 'up\n' });
    expect(await sandbox.commands.run('exec sleep 60', { timeout: 0.5 })).toMatchObject({
      status: 'stopped',
      timedOut: true,
    });
    expect(await sandbox.commands.run(['true'])).toMatchObject({ exitCode: 0 });
  });
});

it('files are written, read in whole and in part, listed, renamed and removed', async () => {
  await using sandbox = await open();
  const { files } = sandbox;
  await files.write('a dir/ü%?.txt', 'grün');
  expect(await files.readText('a dir/ü%?.txt')).toBe('grün');
  expect(await files.readText('workspace/a dir/ü%?.txt', { offset: 1, length: 1 })).toBe('r');
  await files.write('bytes', new Uint8Array([0, 255]));
  expect([...(await files.read('bytes'))]).toEqual([0, 255]);
  await files.makeDir('empty');
  await files.rename('bytes', 'a dir/moved');
  expect((await files.list('a dir')).entries.map(({ name }) => name).sort()).toEqual(['moved', 'ü%?.txt']);
  expect(await files.stat('a dir/moved')).toMatchObject({ type: 'file', size: 2 });
  await files.remove('a dir/moved');
  expect([await files.exists('a dir/moved'), await files.exists('empty')]).toEqual([false, true]);
  await expect(files.read('../x')).rejects.toThrow(TypeError);
});

it.each(['tar', 'zip'] as const)('a folder comes as a %s, and goes back as one', async (format) => {
  await using sandbox = await open();
  const { files } = sandbox;
  await files.write('a dir/deep/ü.txt', 'grün');
  await files.write('a dir/bytes', new Uint8Array([0, 255]));
  const archive = new Uint8Array(await new Response(await files.downloadArchive('a dir', { format })).arrayBuffer());
  // ustar(5) at 257; APPNOTE.TXT of PKWARE, 4.3.7
  const magic = format === 'tar' ? archive.subarray(257, 262) : archive.subarray(0, 4);
  expect(new TextDecoder().decode(magic)).toBe(format === 'tar' ? 'ustar' : 'PK\u0003\u0004');
  expect(await files.uploadArchive('copy', archive, { format })).toMatchObject({ files: 2 });
  expect(await files.readText('copy/deep/ü.txt')).toBe('grün');
  expect([...(await files.read('copy/bytes'))]).toEqual([0, 255]);
});

it('a file is read in pieces of any length, none and what lies behind its end among them, and as a stream', async () => {
  await using sandbox = await open();
  const { files } = sandbox;
  await files.write('text', 'hello world');
  await files.write('empty', '');
  expect(await files.readText('text', { length: 0 })).toBe('');
  expect(await files.readText('text', { offset: 3, length: 0 })).toBe('');
  expect(await files.readText('text', { offset: 6 })).toBe('world');
  expect(await files.readText('text', { offset: 6, length: 100 })).toBe('world');
  expect(await files.readText('text', { offset: 11 })).toBe('');
  expect(await files.readText('empty', { length: 5 })).toBe('');
  await expect(files.read('nothing', { length: 0 })).rejects.toMatchObject({ code: 'SANDBOX012' });
  for (const wrong of [{ length: -1 }, { offset: -1 }, { length: NaN }, { offset: 0.5 }, { length: Infinity }]) {
    await expect(files.read('text', wrong)).rejects.toThrow(RangeError);
  }

  const big = new Uint8Array(3_000_000).map((_byte, index) => index % 251);
  await files.write('big', new Blob([big]).stream());
  const chunks: Uint8Array[] = [];
  const reader = (await files.readStream('big')).getReader();
  for (let read = await reader.read(); !read.done; read = await reader.read()) chunks.push(read.value);
  expect(chunks.length).toBeGreaterThan(1);
  expect(Buffer.concat(chunks).equals(big)).toBe(true);
  const part = await new Response(await files.readStream('big', { offset: 1000, length: 4 })).arrayBuffer();
  expect([...new Uint8Array(part)]).toEqual([...big.subarray(1000, 1004)]);
});

it('what a command left in /output is kept with its result: listed, read in part and taken as an archive, also once the sandbox is gone', async () => {
  const sandbox = await open();
  await expect(sandbox.output().list()).rejects.toMatchObject({ code: 'SANDBOX012' });
  const first = await sandbox.commands.run(
    'mkdir -p /output/a/b; echo one > /output/a/b/1.txt; echo two > /output/2.txt',
  );
  await sandbox.commands.run('rm -r /output/a; echo three > /output/3.txt; ln -s /etc/passwd /output/link');
  await sandbox.remove();
  const gone = await client.sandboxes.connect(sandbox.id);
  const names = (await gone.output().list()).map(({ path }) => path).sort();
  expect(names).toEqual(['2.txt', '3.txt']);
  const kept = gone.output(first.executionId);
  expect(await kept.list()).toEqual(
    expect.arrayContaining([
      { path: 'a/b/1.txt', size: 4, mode: '644', modified: expect.stringMatching(/^2\d{3}-.*Z$/) as string },
    ]),
  );
  expect(await kept.readText('a/b/1.txt')).toBe('one\n');
  expect(await kept.readText('2.txt', { offset: 1, length: 2 })).toBe('wo');
  expect(await new Response(await kept.readStream('2.txt')).text()).toBe('two\n');
  await expect(kept.read('3.txt')).rejects.toMatchObject({ code: 'SANDBOX012', status: 404 });

  await using other = await open();
  const zip = await new Response(await kept.downloadArchive('', { format: 'zip' })).blob();
  expect(await other.files.uploadArchive('all', zip, { format: 'zip' })).toMatchObject({ files: 2 });
  const tar = await new Response(await kept.downloadArchive('a')).blob();
  expect(await other.files.uploadArchive('a', tar)).toMatchObject({ files: 1 });
  expect([await other.files.readText('all/a/b/1.txt'), await other.files.readText('a/b/1.txt')]).toEqual([
    'one\n',
    'one\n',
  ]);
});

it("the solution's own command and its tests are started as others are", async () => {
  await using sandbox = await open();
  expect(await (await sandbox.start()).wait()).toMatchObject({ exitCode: 4, stdout: 'own\n' });
  expect(await (await sandbox.start({ test: true })).wait()).toMatchObject({ exitCode: 0, stdout: 'tested\n' });
});

it("calls and logs are there in the server's own words, and a call that may be repeated outlives broken connections", async () => {
  await using sandbox = await open();
  const { executionId } = await sandbox.commands.run("printf 'a\\rb'; exit 3");
  const path = { sandbox_id: sandbox.id };
  expect(await client.wire.call('get', '/api/ergon/sandbox/results/{sandbox_id}', { path })).toMatchObject({
    execution_id: executionId,
    exit_code: 3,
  });
  const events = [];
  for await (const event of client.wire.events(executionId, { raw: true })) events.push(event);
  expect(events).toContainEqual(
    expect.objectContaining({ type: 'data', data: Buffer.from('a\rb').toString('base64') }),
  );
  expect(events.map(({ type }) => type)).toContain('phase');
  expect(events.at(-1)).toMatchObject({ type: 'complete', exit_code: 3 });

  let refused = 0;
  const flaky = new SandboxClient({
    baseUrl: server.url,
    token,
    fetch: (...call) => ((refused += 1) < 3 ? Promise.reject(new TypeError('cut')) : fetch(...call)),
  });
  expect(await flaky.wire.persistentCall('get', '/api/ergon/sandbox/active', {})).toEqual(
    expect.arrayContaining([expect.objectContaining(path)]),
  );
  expect(refused).toBe(3);
});

it('a terminal shows, takes keys, is resized, and ends', async () => {
  await using sandbox = await open();
  let screen = '';
  const onData = (bytes: Uint8Array): void => void (screen += Buffer.from(bytes).toString());
  const terminal = await sandbox.pty.create({ cols: 100, rows: 30, onData });
  await terminal.write('stty size\r');
  await until(() => screen.includes('30 100'));
  await terminal.resize({ cols: 90, rows: 20 });
  await terminal.write('stty size; exit 6\r');
  expect(await terminal.wait()).toMatchObject({ exitCode: 6 });
  expect(screen).toContain('20 90');
});

it('errors have code, status, field, sentence and request id; a server that is not there is told apart', async () => {
  await expect(client.sandboxes.open('nowhere')).rejects.toMatchObject({
    name: 'SandboxApiError',
    code: 'SANDBOX002',
    status: 404,
    field: 'solution_id',
    detail: expect.stringContaining('nowhere') as string,
    requestId: expect.stringMatching(/^[\w-]+$/) as string,
  });
  await expect(new SandboxClient({ baseUrl: server.url, token: 'wrong' }).history()).rejects.toMatchObject({
    code: 'SANDBOX013',
    status: 401,
  });
  await expect(new SandboxClient({ baseUrl: 'http://127.0.0.1:9' }).health()).rejects.toMatchObject({
    name: 'SandboxConnectionError',
  });
  await expect(gather(client.events('never-was'))).rejects.toMatchObject({ code: 'SANDBOX006', status: 404 });
});

it('through a proxy that cuts every connection, a reader and a terminal get all that there is, once and in order', async () => {
  await using sandbox = await open();
  const proxy = await choppingProxy(server.url);
  const reconnect = { silenceMs: 2000, giveUpMs: 30_000 };
  const far = await new SandboxClient({ baseUrl: proxy.url, token, reconnect }).sandboxes.connect(sandbox.id);
  const script = 'i=0; while [ $i -lt 400 ]; do echo "line $i"; i=$((i+1)); done';
  const execution = await far.commands.start(script);
  const seen = await gather(execution.events());
  expect(seen).toEqual(await gather(client.events(execution.executionId)));
  const lines = seen.flatMap((event) => (event.type === 'stdout' ? [event.line] : []));
  expect(lines).toEqual(Array.from({ length: 400 }, (_, number) => `line ${number}`));
  expect(proxy.cuts()).toBeGreaterThan(2); // more than 40 kB in connections of less than 12 kB

  const before = proxy.cuts();
  let screen = '';
  const onData = (bytes: Uint8Array): void => void (screen += Buffer.from(bytes).toString());
  await (await far.pty.create({ command: script.replace('i=$((', 'sleep 0.005; i=$(('), onData })).wait();
  expect(screen).toBe(Array.from({ length: 400 }, (_, number) => `line ${number}\r\n`).join(''));
  expect(proxy.cuts()).toBeGreaterThan(before);
});

it('a connection on which nothing comes any more, though it is there, is given up for another', async () => {
  await using sandbox = await open();
  const { hostname, port } = new URL(server.url);
  let connections = 0;
  const proxy = createServer((near) => {
    connections += 1;
    const isDumb = connections <= 2;
    const far = connect(Number(port), hostname);
    let passed = 0;
    far.on('data', (chunk: Buffer) => {
      passed += chunk.length;
      if (!isDumb || passed < 3000) near.write(chunk);
    });
    near.on('data', (chunk) => far.write(chunk));
    near.on('close', () => far.destroy()).on('error', () => far.destroy());
    far.on('error', () => near.destroy()).on('close', () => near.destroy());
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  closing.push(proxy);
  const execution = await sandbox.commands.start('i=0; while [ $i -lt 300 ]; do echo "line $i"; i=$((i+1)); done');
  await execution.wait();
  const far = new SandboxClient({
    baseUrl: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    token,
    reconnect: { silenceMs: 300 },
  });
  expect(await gather(far.events(execution.executionId))).toEqual(await gather(execution.events()));
  expect(connections).toBe(3);
});

it('a reader survives kill -9 of the server, and gets the truthful end from the next one', async () => {
  const first = await TestServer.start();
  const { port } = new URL(first.url);
  const near = new SandboxClient({ baseUrl: first.url });
  const sandbox = await near.sandboxes.open(await store(near));
  const execution = await sandbox.commands.start('echo before; exec sleep 60');
  const seen: SandboxEvent[] = [];
  const reading = (async () => {
    for await (const event of execution.events()) seen.push(event);
  })();
  const waiting = execution.wait();
  await until(() => seen.some(({ type }) => type === 'stdout'));
  await first.stop('SIGKILL');
  await TestServer.start({ dataDir: first.dataDir, env: { ERGON_SANDBOX_PORT: port } });
  await reading;
  expect(seen.at(-1)).toMatchObject({ type: 'end', status: 'failed', cause: 'lost', exitCode: null });
  expect(seen.filter(({ type }) => type === 'stdout')).toMatchObject([{ line: 'before' }]);
  expect(new Set(seen.map(({ id }) => id)).size).toBe(seen.length);
  expect(await waiting).toMatchObject({ cause: 'lost', exitCode: null, stdout: 'before\n' });
});

it("the types of the wire are those of the server's document", async () => {
  expect(await exec('node', [join(packageDir, 'generate.mjs'), server.url])).toMatchObject({ stdout: '', stderr: '' });
});

describe('packed, in an empty folder', () => {
  const [, program = ''] = /```js\n(.*?)```/s.exec(readFileSync(join(packageDir, 'README.md'), 'utf8')) ?? [];
  let folder: string;
  beforeAll(async () => {
    folder = emptyFolder();
    await exec('npm', ['pack', '--pack-destination', folder], { cwd: packageDir });
    writeFileSync(join(folder, 'package.json'), '{ "private": true }');
    const tarball = readdirSync(folder).find((name) => name.endsWith('.tgz')) ?? '';
    await exec('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', `./${tarball}`], { cwd: folder });
  });

  const required = program
    .replace(/import (.*) from '(.*)';/, "const $1 = require('$2');\n(async () => {")
    .concat('})();\n');
  it.each([
    ['main.mjs', program],
    ['main.cjs', required],
  ])("the README's program runs as %s", async (file, text) => {
    writeFileSync(join(folder, file), text);
    const env = { ...process.env, FORCE_COLOR: '0', ERGON_SANDBOX_URL: server.url, ERGON_SANDBOX_TOKEN: token };
    const { stdout } = await exec('node', [file], { cwd: folder, env });
    expect(stdout).toMatch(/^3 hello\nwritten by the client\n/);
    expect(stdout).toMatch(/\b30 100\r\n/);
  });

  it('it works in a browser, bundled without ws, on a page of another origin', async () => {
    const page = createHttpServer((_request, response) => {
      response.setHeader('Content-Type', 'text/html').end('<title>client</title>');
    });
    page.listen(0, '127.0.0.1');
    await once(page, 'listening');
    closing.push(page);
    const origin = `http://127.0.0.1:${(page.address() as AddressInfo).port}`;
    const far = await TestServer.start({ env: { ERGON_SANDBOX_TOKEN: token, ERGON_SANDBOX_ORIGINS: origin } });
    const id = await store(new SandboxClient({ baseUrl: far.url, token }));
    const source = `
      import { SandboxClient } from '@ergon/sandbox-client';
      window.work = async (baseUrl, token, id) => {
        const sandbox = await new SandboxClient({ baseUrl, token }).sandboxes.open(id);
        const lines = [];
        const { exitCode } = await sandbox.commands.run('echo hello; exit 3', { onStdout: (line) => lines.push(line) });
        await sandbox.files.write('a.txt', 'from a page');
        const text = await sandbox.files.readText('a.txt');
        let screen = '';
        const terminal = await sandbox.pty.create({ cols: 70, rows: 20, onData: (b) => (screen += new TextDecoder().decode(b)) });
        await terminal.write('stty size; exit\\r');
        await terminal.wait();
        await sandbox.remove();
        return { exitCode, lines, text, screen };
      };`;
    rmSync(join(folder, 'node_modules/ws'), { recursive: true });
    const stdin = { contents: source, resolveDir: folder };
    const bundle = await build({ stdin, bundle: true, platform: 'browser', write: false, logLevel: 'silent' });
    const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
    try {
      const tab = await browser.newPage();
      await tab.goto(origin);
      await tab.addScriptTag({ content: bundle.outputFiles[0]?.text ?? '' });
      const call = `window.work(${JSON.stringify(far.url)}, ${JSON.stringify(token)}, ${JSON.stringify(id)})`;
      const seen: unknown = await tab.evaluate(call);
      expect(seen).toMatchObject({ exitCode: 3, lines: ['hello'], text: 'from a page' });
      expect(seen).toMatchObject({ screen: expect.stringContaining('20 70') as string });
    } finally {
      await browser.close();
    }
  });
});
