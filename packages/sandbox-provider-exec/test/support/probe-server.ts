import { TestServer } from './server.js';

/** Says what a probe finds in this process's surroundings; where sandboxes work, runs a script in one. */
async function main(script: string | undefined): Promise<void> {
  const server = new TestServer();
  const probe = await server.provider.probe();
  process.stdout.write(`${JSON.stringify({ type: 'probe', probe })}\n`);
  if (probe.available && script !== undefined) {
    const limits = { memoryBytes: 96 << 20, diskBytes: 16 << 20, pids: 20, timeoutMs: 10_000 };
    const run = await server
      .run(['sh', '-c', script], limits)
      .catch((error: unknown) => ({ stdout: '', stderr: String(error), end: null }));
    process.stdout.write(
      `${JSON.stringify({ type: 'run', stdout: run.stdout, stderr: run.stderr, end: run.end, left: server.leftovers() })}\n`,
    );
  }
  await server[Symbol.asyncDispose]();
}

void main(process.argv[2]);
