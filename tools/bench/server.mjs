import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const main = join(dirname(fileURLToPath(import.meta.url)), '../../apps/api/dist/main.js');

/** Starts the built API on a free port and a data folder of its own. */
export async function startServer() {
  const dataDir = await mkdtemp(join(tmpdir(), 'ergon-bench-'));
  const port = await freePort();
  const child = spawn(process.execPath, [main], {
    env: {
      PATH: process.env.PATH,
      ERGON_SANDBOX_PORT: String(port),
      ERGON_SANDBOX_DATA_DIR: dataDir,
      ERGON_LOG_LEVEL: 'error',
    },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const url = `http://127.0.0.1:${port}`;
  const api = `${url}/api/ergon/sandbox`;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const deadline = Date.now() + 30_000;
  for (;;) {
    if (child.exitCode !== null) throw new Error('the server did not start');
    if (Date.now() > deadline) throw new Error('the server did not answer');
    try {
      const { status } = await (await fetch(`${api}/health`)).json();
      if (status === 'healthy') break;
    } catch (error) {
      if (error.cause?.code !== 'ECONNREFUSED') throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return {
    url,
    api,
    pid: child.pid,
    stop: async () => {
      child.kill('SIGTERM');
      await ended;
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

/** Stores a solution, opens a sandbox for it, and waits until it is ready. */
export async function openSandbox(url, content, request = {}) {
  await post(`${url}/api/ergon/registry/store`, {
    id: 'bench',
    type: 'solution',
    name: 'bench',
    version: '1',
    content,
  });
  const { sandbox_id } = await post(`${url}/api/ergon/sandbox/test`, { solution_id: 'bench', ...request });
  for (;;) {
    const { status, errors } = await (await fetch(`${url}/api/ergon/sandbox/results/${sandbox_id}`)).json();
    if (status === 'ready') return sandbox_id;
    if (status !== 'preparing') throw new Error(`the sandbox is ${status}: ${errors.join(' ')}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

async function post(url, body) {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${await response.text()}`);
  return response.json();
}

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}
