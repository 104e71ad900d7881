// Usage, after the server is built: node generate.mjs [--update] [URL OF A SERVER]
// Compares src/wire/openapi.ts with what the server's document (of a server of its own, if none is named) gives, and fails where they differ;
// --update makes the file what the document says.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import openapiTypescript, { astToString } from 'openapi-typescript';
import { format, resolveConfig } from 'prettier';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { update: { type: 'boolean', default: false } },
});
const file = join(import.meta.dirname, 'src/wire/openapi.ts');

async function documentOf(url) {
  const response = await fetch(`${url}/openapi.json`);
  if (!response.ok) throw new Error(`${url}/openapi.json answers with ${response.status}`);
  return response.json();
}

async function documentOfOwnServer() {
  const dataDir = mkdtempSync(join(tmpdir(), 'ergon-generate-'));
  const server = spawn(process.execPath, [join(import.meta.dirname, '../../apps/api/dist/main.js')], {
    env: { ...process.env, ERGON_SANDBOX_PORT: '0', ERGON_SANDBOX_DATA_DIR: dataDir },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exit = once(server, 'exit');
  try {
    for await (const line of createInterface({ input: server.stdout })) {
      const { message, url } = JSON.parse(line);
      if (message.startsWith('Listening on ')) return await documentOf(url);
    }
    throw new Error('The server ended before it listened.');
  } finally {
    server.kill();
    await exit;
    rmSync(dataDir, { recursive: true, force: true });
  }
}

const document = positionals[0] === undefined ? await documentOfOwnServer() : await documentOf(positionals[0]);
const source = astToString(await openapiTypescript(document, { alphabetize: true, emptyObjectsUnknown: true }));
const header = `/* eslint-disable */\n// Made by "npm run generate" from the server's /openapi.json (${document.info.title}). Not to be edited.\n\n`;
const made = await format(header + source, { ...(await resolveConfig(file)), parser: 'typescript' });
if (values.update) {
  writeFileSync(file, made);
} else if (readFileSync(file, 'utf8') !== made) {
  console.error(
    `The types of the wire are not those of the server's document.\nTo make them so: npm run generate -w @ergon/sandbox-client`,
  );
  process.exitCode = 1;
}
