import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Locator } from 'playwright-core';
import { launchBrowser } from './browser.js';
import { sandbox, TestServer } from './server.js';
import { until } from './until.js';

let server: TestServer;
beforeAll(async () => {
  server = await TestServer.start({ env: { ERGON_SANDBOX_TOKEN: 'a-token-of-this-test' } });
});
afterAll(() => TestServer.endAll());

test('the document is valid OpenAPI 3.1, and needs no token', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ergon-openapi-'));
  try {
    const file = join(folder, 'openapi.json');
    const { document } = await server.contract();
    expect(document.openapi).toBe('3.1.0');
    writeFileSync(file, JSON.stringify(document));
    const validator = join(
      dirname(require.resolve('@seriousme/openapi-schema-validator/package.json')),
      'bin/validate-api-cli.js',
    );
    expect(JSON.parse(execFileSync(process.execPath, [validator, file], { encoding: 'utf8' }))).toEqual({
      valid: true,
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('an answer that is not as the document says is noticed', async () => {
  const contract = await server.contract();
  const answer = { status: 200, type: 'application/json; charset=utf-8', body: { cleaned: '1' } as unknown };
  expect(() => contract.check('POST', sandbox('/cleanup-all'), answer)).toThrow(/cleaned must be integer/);
  expect(() => contract.check('POST', sandbox('/cleanup-all'), { ...answer, status: 201 })).toThrow(/has no 201/);
  expect(() => contract.check('POST', sandbox('/cleanup-all'), { ...answer, type: 'text/html' })).toThrow(
    /has no text\/html/,
  );
  expect(() => contract.checkComponent('Event', { type: 'output', line: 1 })).toThrow(/Event is not/);
});

test('each parameter says what it is for, and the example of each body is as its schema says', async () => {
  let bodies = 0;
  const contract = await server.contract();
  expect(JSON.stringify(contract.document)).not.toContain(String(Number.MIN_SAFE_INTEGER)); // which pages would show
  for (const { operation, body } of contract.operations()) {
    if (body !== undefined) bodies += 1;
    for (const { name, description = '' } of operation.parameters ?? []) {
      expect([operation.operationId, name, description]).not.toContain('');
    }
  }
  expect(bodies).toBe(5);
});

test('the examples of bodies and paths, sent as they are, are served by a server with the example solutions', async () => {
  const other = await TestServer.start({ args: ['--examples', join(__dirname, '../../../examples/solutions')] });
  const { sandbox_id: id } = await other.ok('POST', sandbox('/test'), { solution_id: 'word-count' });
  const served: string[] = [];
  for (const { method, path, operation, body } of (await other.contract()).operations()) {
    const { operationId, parameters = [] } = operation;
    const given = parameters.filter(({ name, example }) => name === 'sandbox_id' || example !== undefined);
    // Those that name a thing of the caller's own, those without effect on what is named, and what no provider does.
    if (/AtRoot$|^(connect|removeSandbox|stopExecution|changeLimits|follow|getOutput|removeFile)$/.test(operationId)) {
      continue;
    }
    if (body === undefined && !given.some(({ name }) => name !== 'sandbox_id')) continue;
    let url = path;
    const query = new URLSearchParams();
    for (const { name, in: place, example } of given) {
      const value = name === 'sandbox_id' ? id : String(example);
      if (place === 'query') query.set(name, value);
      else url = url.replace(`{${name}}`, encodeURIComponent(value));
    }
    const isFile = method === 'PUT';
    const own = typeof body === 'object' && body !== null && 'sandbox_id' in body ? { ...body, sandbox_id: id } : body;
    const response = await other.fetch(`${url}${query.size > 0 ? `?${query.toString()}` : ''}`, {
      method,
      ...(own !== undefined && { headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(own) }),
      ...(isFile && { body: 'milk\n' }),
    });
    expect([operationId, response.status, await response.text()]).toEqual([operationId, 200, expect.any(String)]);
    served.push(operationId);
  }
  expect(served.sort()).toEqual(
    ['openSandbox', 'execute', 'createTicket', 'storeUnit', 'getUnit', 'getFiles', 'putFiles', 'renameFile'].sort(),
  );
});

test('what the reference page offers to try is served, also a file in a folder', async () => {
  const other = await TestServer.start({ args: ['--examples', join(__dirname, '../../../examples/solutions')] });
  const browser = await launchBrowser();
  try {
    const page = await browser.newPage();
    await page.goto(`${other.url}/docs`);
    const call = (method: string, path: string): Locator =>
      page.locator(`.opblock-${method}`).filter({ has: page.locator(`[data-path="${path}"]`) });
    const tried = async (block: Locator): Promise<string> => {
      await block.locator('button.execute').click();
      const status = block.locator('.live-responses-table .response .response-col_status');
      await status.waitFor({ timeout: 60_000 });
      return (await status.innerText()).trim();
    };
    const test = call('post', sandbox('/test'));
    await test.locator('.opblock-summary-control').click();
    await test.locator('.try-out__btn').click();
    expect(await tried(test)).toMatch(/^200/);
    await until(async () => (await other.list(sandbox('/active'))).length === 1, 60_000);
    const [opened] = await other.list(sandbox('/active'));
    await other.fetch(sandbox(`/${opened?.sandbox_id}/files/notes/today.txt`), {
      method: 'PUT',
      body: 'milk',
    });
    const read = call('get', sandbox('/{sandbox_id}/files/{path}'));
    await read.locator('.opblock-summary-control').click();
    await read.locator('.try-out__btn').click();
    await read.locator('input[placeholder="sandbox_id"]').fill(String(opened?.sandbox_id));
    await read.locator('input[placeholder="path"]').fill('notes/today.txt');
    expect(await tried(read)).toMatch(/^200/);
    const shown = (await page.locator('.opblock .example').allInnerTexts()).join('\n');
    expect(shown).toContain('"status"');
    expect(shown).not.toMatch(/\d{15}/);
  } finally {
    await browser.close();
  }
});

test('the reference page shows every call, from this server alone', async () => {
  const browser = await launchBrowser();
  try {
    const page = await browser.newPage();
    const asked: string[] = [];
    const complaints: string[] = [];
    page.on('request', (request) => asked.push(request.url()));
    page.on('console', (message) => complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(error.message));
    await page.goto(`${server.url}/docs/`); // as some type it
    await page.locator('.opblock').first().waitFor();
    expect(page.url()).toBe(`${server.url}/docs`);
    const { document } = await server.contract();
    const calls = Object.values(document.paths).reduce((sum, item) => sum + Object.keys(item).length, 0);
    expect(await page.locator('.opblock').count()).toBe(calls);
    expect(await page.title()).toBe('Ergon Sandbox: reference');
    await page.locator('.opblock', { hasText: '/api/ergon/sandbox/test' }).first().click();
    await page.getByText('word-count').first().waitFor();
    expect(complaints).toEqual([]);
    expect(asked.filter((url) => !url.startsWith(server.url) && !url.startsWith('data:'))).toEqual([]);
  } finally {
    await browser.close();
  }
});
