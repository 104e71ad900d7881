// 100 MB of 64-byte lines: through a raw pipe, split per chunk, through the core, and over server-sent events; in one run.
// Usage, after `npm run build`: node tools/bench/throughput.mjs [ROUNDS]
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SandboxFactory, SandboxRunner, silentLogger } from '@ergon/sandbox-core';
import execProvider from '@ergon/sandbox-provider-exec';
import { median, table } from './figures.mjs';
import { openSandbox, startServer } from './server.mjs';

const rounds = Number(process.argv[2] ?? 5);
const lines = 1_562_500;
const megabytes = (lines * 64) / 1e6;
const printer = ['sh', '-c', `yes ${'x'.repeat(63)} | head -n ${lines}`];
const content = { code: '', main_file: 'main.sh' };
const limits = { outputLimit: '1g' };

/** Reads all that a command prints; `visit` gets each chunk. */
function pipe(visit) {
  return new Promise((resolve, reject) => {
    const child = spawn(printer[0], printer.slice(1), { stdio: ['ignore', 'pipe', 'inherit'] });
    child.stdout.on('data', visit);
    child.once('error', reject);
    child.once('close', resolve);
  });
}

const dataDir = await mkdtemp(join(tmpdir(), 'ergon-bench-core-'));
const factory = new SandboxFactory();
await factory.add(execProvider, {}, { logger: silentLogger, stateDir: join(dataDir, 'sandboxes') });
const registry = {
  getSolution: (id) => Promise.resolve({ id, name: id, version: '1', content }),
  recordTestResult: () => Promise.resolve(),
};
const runner = await SandboxRunner.start({ dataDir, registry, factory });
const server = await startServer();

async function inSandbox(work) {
  const sandbox = await runner.open('x', limits);
  try {
    await sandbox.ready;
    return await work(sandbox);
  } finally {
    await sandbox.cleanup();
  }
}

const ways = {
  'raw pipe': async () => {
    let bytes = 0;
    await pipe((chunk) => (bytes += chunk.length));
    return bytes / 64;
  },
  'split per chunk': async () => {
    let count = 0;
    let rest = '';
    await pipe((chunk) => {
      const parts = (rest + chunk.toString('utf8')).split('\n');
      rest = parts.pop();
      count += parts.length;
    });
    return count;
  },
  'core, written and nobody reads': (timed) =>
    inSandbox((sandbox) =>
      timed(async () => {
        const execution = await sandbox.execute({ command: printer });
        const { status } = await execution.result;
        if (status !== 'completed') throw new Error(status);
        return lines;
      }),
    ),
  'core, read as lines': (timed) =>
    inSandbox((sandbox) =>
      timed(async () => {
        let count = 0;
        const execution = await sandbox.execute({ command: printer });
        for await (const events of execution.events())
          for (const event of events) if (event.type === 'line') count += 1;
        return count;
      }),
    ),
  'server-sent events': async (timed) => {
    const sandbox = await openSandbox(server.url, content, { output_limit: '1g' });
    const count = await timed(async () => {
      const response = await fetch(`${server.api}/execute`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ sandbox_id: sandbox, command: printer }),
      });
      let found = 0;
      for await (const part of response.body) {
        for (let at = part.indexOf(10); at !== -1; at = part.indexOf(10, at + 1)) found += 1; // three a line: id, data, empty
      }
      return Math.min(lines, Math.floor(found / 3));
    });
    await fetch(`${server.api}/${sandbox}`, { method: 'DELETE' });
    return count;
  },
};

/** Runs a way and returns its MB/s; a way may time a part of itself. */
async function rate(run) {
  let ms = null;
  const timed = async (work) => {
    const begun = performance.now();
    const result = await work();
    ms = performance.now() - begun;
    return result;
  };
  const count = await (run.length > 0 ? run(timed) : timed(run));
  if (count !== lines) throw new Error(`${count} lines of ${lines} came`);
  return megabytes / (ms / 1000);
}

try {
  const rates = Object.fromEntries(Object.keys(ways).map((name) => [name, []]));
  for (let round = -1; round < rounds; round += 1) {
    for (const [name, run] of Object.entries(ways)) {
      const value = await rate(run);
      if (round >= 0) rates[name].push(value); // the first round warms up
    }
  }
  const baseline = median(rates['raw pipe']);
  table(
    ['100 MB of 64-byte lines', 'median MB/s', 'ratio to raw pipe'],
    Object.entries(rates).map(([name, all]) => [name, median(all).toFixed(0), (median(all) / baseline).toFixed(2)]),
  );
} finally {
  await server.stop();
  await runner.close();
  await rm(dataDir, { recursive: true, force: true });
}
