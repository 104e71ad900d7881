import { TestServer } from './server.js';

/**
 * A server in a process of its own, to be killed or to be started in a special way. Prepares sandboxes, runs the script given as its
 * argument in the first, and says on stdout what it has and what it sees, one JSON value a line. The other sandboxes stay parked.
 */
async function main(script: string, sandboxes: number): Promise<void> {
  const server = new TestServer();
  const say = (value: unknown): void => {
    process.stdout.write(`${JSON.stringify(value)}\n`);
  };
  const { instanceId, stateDir, home, sandboxIds } = server;
  say({ type: 'server', instanceId, stateDir, home });
  const [first] = await Promise.all(Array.from({ length: sandboxes }, () => server.sandbox()));
  say({ type: 'ready', sandboxIds });
  const run = await first?.run(['sh', '-c', script], {
    onChunk: ({ stream, data }) => say({ type: 'output', stream, text: Buffer.from(data).toString() }),
  });
  say({ type: 'end', end: run?.end });
  await server[Symbol.asyncDispose]();
  say({ type: 'disposed' });
}

const [script = 'true', sandboxes = '1'] = process.argv.slice(2);
main(script, Number(sandboxes)).catch((error: unknown) => {
  process.stderr.write(`${String(error)}\n`);
  process.exitCode = 1;
});
