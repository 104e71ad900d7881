import { TestServer } from './server.js';

/** Probes, disposes of its provider with nothing else under way, and says that it came to what is next. */
async function main(): Promise<void> {
  const server = new TestServer();
  const { available } = await server.provider.probe();
  await server[Symbol.asyncDispose]();
  process.stdout.write(`${JSON.stringify({ type: 'left', available })}\n`);
}

void main();
