import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger } from '@ergon/sandbox-core';
import type { Logger, TestResultRecord } from '@ergon/sandbox-core';
import type { Registry } from '@ergon/sandbox-registry';
import { createContainer, readConfig, startServer, tokens } from '../src/index.js';
import type { RunningServer } from '../src/index.js';

/** A store of one's own: a single solution, its results in memory. */
class OneSolution implements Registry {
  readonly results: TestResultRecord[] = [];
  closed = false;

  async getSolution(id: string): ReturnType<Registry['getSolution']> {
    if (id !== 'only') return null;
    return { id, name: 'Only', version: '1', content: { code: 'echo from elsewhere', main_file: 'main.sh' } };
  }
  async recordTestResult(_id: string, result: TestResultRecord): Promise<void> {
    this.results.push(result);
  }
  async store(): ReturnType<Registry['store']> {
    return { id: 'only', replaced: true };
  }
  async search(): ReturnType<Registry['search']> {
    return { units: [], truncated: false };
  }
  async types(): ReturnType<Registry['types']> {
    return ['own'];
  }
  async statistics(): ReturnType<Registry['statistics']> {
    return { units: 1, byType: { own: 1 }, meetsStandards: 0, testResults: this.results.length };
  }
  async get(): ReturnType<Registry['get']> {
    return null;
  }
  async delete(): ReturnType<Registry['delete']> {
    return 'unknown';
  }
  async [Symbol.asyncDispose](): Promise<void> {
    this.closed = true;
  }
}

const dataDir = mkdtempSync(join(tmpdir(), 'ergon-container-'));
const registry = new OneSolution();
let server: RunningServer;
beforeAll(async () => {
  const config = readConfig({ ERGON_SANDBOX_PORT: '0', ERGON_SANDBOX_DATA_DIR: dataDir });
  const container = createContainer(config, silentLogger);
  container.register(tokens.registry, { useValue: registry });
  server = await startServer(container);
});
afterAll(() => rmSync(dataDir, { recursive: true }));

async function call(method: string, path: string, body?: unknown, at = server): Promise<Record<string, unknown>> {
  const response = await fetch(`${at.url}/api/ergon/${path}`, {
    method,
    ...(body !== undefined && { body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } }),
  });
  return (await response.json()) as Record<string, unknown>;
}

test('without a provider the server says so', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ergon-container-'));
  const config = readConfig({ ERGON_SANDBOX_PORT: '0', ERGON_SANDBOX_DATA_DIR: folder });
  const container = createContainer(config, silentLogger);
  container.register(tokens.providers, { useValue: [] });
  container.register(tokens.registry, { useValue: new OneSolution() });
  const bare = await startServer(container);
  try {
    expect(await call('GET', 'sandbox/health', undefined, bare)).toEqual({ status: 'unhealthy', providers: {} });
    expect(await call('POST', 'sandbox/test', { solution_id: 'only' }, bare)).toMatchObject({
      status: 503,
      code: 'SANDBOX001',
      detail: expect.stringContaining('No sandbox provider available') as string,
    });
  } finally {
    await bare.close();
    rmSync(folder, { recursive: true });
  }
});

test('what nobody foresaw is a 500 that tells nothing of the inside; the log tells all under the id of the request', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ergon-container-'));
  const logged: [string, unknown][] = [];
  const logger: Logger = { ...silentLogger, error: (message, fields) => void logged.push([message, fields]) };
  const container = createContainer(readConfig({ ERGON_SANDBOX_PORT: '0', ERGON_SANDBOX_DATA_DIR: folder }), logger);
  class Broken extends OneSolution {
    override types(): ReturnType<Registry['types']> {
      throw new Error('the secret inside');
    }
  }
  container.register(tokens.registry, { useValue: new Broken() });
  const broken = await startServer(container);
  try {
    const response = await fetch(`${broken.url}/api/ergon/registry/types`);
    expect(response.status).toBe(500);
    expect(response.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
    expect(response.headers.get('content-type')).toBe('application/problem+json');
    expect(await response.json()).toEqual({
      type: 'about:blank',
      title: 'Internal Server Error',
      status: 500,
      detail: 'The server failed at this. Its log says more, under the id of this request.',
    });
    expect(logged).toEqual([
      [
        'GET /api/ergon/registry/types failed',
        { error: expect.objectContaining({ message: 'the secret inside' }) as Error },
      ],
    ]);
  } finally {
    await broken.close();
    rmSync(folder, { recursive: true });
  }
});

test('a registry put into the container serves the calls and the runner, and ours is never opened', async () => {
  expect(await call('GET', 'registry/types')).toEqual({ success: true, types: ['own'], count: 1 });
  expect(await call('POST', 'sandbox/test', { solution_id: 'other' })).toMatchObject({
    status: 404,
    code: 'SANDBOX002',
  });
  const { sandbox_id: id } = await call('POST', 'sandbox/test', { solution_id: 'only', run: true });
  expect(await call('GET', `sandbox/results/${String(id)}?wait=30`)).toMatchObject({
    status: 'completed',
    stdout: 'from elsewhere\n',
  });
  expect(registry.results).toMatchObject([{ status: 'completed', exitCode: 0, provider: 'sandbox-exec' }]);
  await Promise.all([server.close(), server.close()]);
  expect(registry.closed).toBe(true);
  expect(existsSync(join(dataDir, 'registry.db'))).toBe(false);
});
