import { sentenceOf } from '@ergon/sandbox-core';
import type { TestSandbox } from './server.js';
import { TestServer } from './server.js';

/** Opens sandboxes until this process has no descriptor left, and runs one again when some are free. */
async function main(): Promise<void> {
  const say = (said: object): void => void process.stdout.write(`${JSON.stringify(said)}\n`);
  await using server = new TestServer();
  const opened: TestSandbox[] = [];
  try {
    while (opened.length < 100) opened.push(await server.sandbox());
  } catch (error) {
    say({ type: 'refused', message: sentenceOf(error), after: opened.length });
  }
  for (const sandbox of opened.splice(0)) await sandbox.cleanup();
  const { stdout } = await server.run(['echo', 'works again']);
  say({ type: 'after', stdout });
}

void main();
