import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { launchBrowser } from './browser.js';
import { sandbox, TestServer } from './server.js';

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

test('the reference page shows every call, from this server alone', async () => {
  const browser = await launchBrowser();
  try {
    const page = await browser.newPage();
    const asked: string[] = [];
    const complaints: string[] = [];
    page.on('request', (request) => asked.push(request.url()));
    page.on('console', (message) => complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(error.message));
    await page.goto(`${server.url}/docs`);
    await page.locator('.opblock').first().waitFor();
    const { document } = await server.contract();
    const calls = Object.values(document.paths).reduce((sum, item) => sum + Object.keys(item).length, 0);
    expect(await page.locator('.opblock').count()).toBe(calls);
    expect(await page.title()).toBe('Ergon Sandbox: reference');
    await page.locator('.opblock', { hasText: '/api/ergon/sandbox/test' }).first().click();
    await page.getByText('memory_limit').first().waitFor();
    expect(complaints).toEqual([]);
    expect(asked.filter((url) => !url.startsWith(server.url) && !url.startsWith('data:'))).toEqual([]);
  } finally {
    await browser.close();
  }
});
