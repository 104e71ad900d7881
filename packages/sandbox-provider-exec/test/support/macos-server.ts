import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { standInMachine, StandInProvider, standInTools } from '../../src/macos/test/stand-in.js';

/** A server that runs a program as on macOS, without isolation, to be killed. */
async function main(folder: string, instanceId: string, script: string): Promise<void> {
  const solution = join(folder, 'solution');
  mkdirSync(solution);
  const provider = new StandInProvider(standInMachine(standInTools(folder)), join(folder, 'state'));
  await provider.prepare('hello', solution, {
    sandboxId: 'box-1',
    instanceId,
    ownerId: 'me',
    limits: {
      ...{ memoryBytes: 1 << 30, cpus: 1, pids: 64, diskBytes: 1 << 30, openFiles: 256 },
      ...{ fileBytes: 1 << 30, outputBytes: 1 << 30, timeoutMs: 600_000 },
    },
    network: { mode: 'none' },
    environment: {},
    mounts: [],
  });
  const run = provider.execute('box-1', ['/bin/sh', '-c', script], { timeoutMs: 600_000 });
  for await (const { data } of run) {
    process.stdout.write(`${JSON.stringify({ type: 'output', text: Buffer.from(data).toString() })}\n`);
  }
}

const [folder = '', instanceId = '', script = ''] = process.argv.slice(2);
main(folder, instanceId, script).catch((error: unknown) => {
  process.stderr.write(`${String(error)}\n`);
  process.exitCode = 1;
});
