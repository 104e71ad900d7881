import { join } from 'node:path';
import { isMainThread, Worker } from 'node:worker_threads';
import { TestServer } from './server.js';

/** Probes in a worker thread. */
if (isMainThread) new Worker(join(__dirname, 'run-ts.cjs'), { argv: [__filename] });
else {
  const server = new TestServer();
  void server.provider.probe().then(async (probe) => {
    const reason = probe.available ? '' : probe.reason;
    process.stdout.write(`${JSON.stringify({ type: 'probe', available: probe.available, reason })}\n`);
    await server[Symbol.asyncDispose]();
  });
}
