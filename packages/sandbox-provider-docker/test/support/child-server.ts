import { TestServer } from './server.js';

/**
 * A server in a process of its own, to be killed. Prepares sandboxes, runs the script given as its argument in the first while the others
 * stay ready, then cleans all; says on stdout what it has and what it sees, one JSON value a line.
 */
async function main(script: string, sandboxes: number): Promise<void> {
  const server = new TestServer();
  const say = (value: unknown): void => {
    process.stdout.write(`${JSON.stringify(value)}\n`);
  };
  say({ type: 'server', instanceId: server.instanceId, home: server.home });
  const [first] = await Promise.all(Array.from({ length: sandboxes }, () => server.sandbox()));
  say({ type: 'ready' });
  const run = await first?.run(['sh', '-c', script], {
    onChunk: ({ stream, data }) => say({ type: 'output', stream, text: Buffer.from(data).toString() }),
  });
  say({ type: 'end', end: run?.end });
  say({ type: 'cleaning' });
  await server[Symbol.asyncDispose]();
  say({ type: 'disposed' });
}

const [script = 'true', sandboxes = '1'] = process.argv.slice(2);
main(script, Number(sandboxes)).catch((error: unknown) => {
  process.stderr.write(`${String(error)}\n`);
  process.exitCode = 1;
});
