import { existsSync } from 'node:fs';
import { TestServer } from './server.js';
import { until } from './until.js';

/** Says what a probe finds in this process's surroundings; where sandboxes work, runs a script in one. Ends the probe once a file is there. */
async function main(script: string | undefined, endsAt: string | undefined): Promise<void> {
  const server = new TestServer();
  const stop = new AbortController();
  if (endsAt !== undefined) void until('it hangs', () => existsSync(endsAt)).then(() => stop.abort('enough'));
  const probe = await server.provider.probe(stop.signal).catch((reason: unknown) => {
    if (!stop.signal.aborted) throw reason;
    return { available: false, reason };
  });
  process.stdout.write(`${JSON.stringify({ type: 'probe', probe })}\n`);
  if (probe.available && script !== undefined) {
    const limits = { memoryBytes: 96 << 20, diskBytes: 16 << 20, pids: 20, timeoutMs: 60_000 };
    const run = await server
      .run(['sh', '-c', script], limits)
      .catch((error: unknown) => ({ stdout: '', stderr: String(error), end: null }));
    process.stdout.write(
      `${JSON.stringify({ type: 'run', stdout: run.stdout, stderr: run.stderr, end: run.end, left: server.leftovers() })}\n`,
    );
  }
  await server[Symbol.asyncDispose]();
}

void main(process.argv[2], process.argv[3]);
