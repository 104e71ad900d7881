// The second half of quickstart.sh: starts the built API, tests one example through it, and stays up (or ends, with --once).
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

const repository = resolve(import.meta.dirname, '..');
// As the server reads them: an empty variable is one that is not set.
const host = process.env.ERGON_SANDBOX_HOST || '127.0.0.1';
const port = Number(process.env.ERGON_SANDBOX_PORT || 8102);
const url = `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
const example = 'word-count';

/** The one place that knows how the API is started with the examples. */
function startServer() {
  const main = join(repository, 'apps/api/dist/main.js');
  const examples = join(repository, 'examples/solutions');
  // A group of its own: Ctrl-C reaches this script, which passes it on once.
  return spawn(process.execPath, [main, '--examples', examples], {
    stdio: ['ignore', 'inherit', 'inherit'],
    detached: true,
    env: { ...process.env, ERGON_LOG_LEVEL: process.env.ERGON_LOG_LEVEL ?? 'warn' },
  });
}

/** By the command line, as its user would. Resolves to its exit code. */
async function testExample() {
  const words = ['test', example, '--url', url];
  const child = spawn(process.execPath, [join(repository, 'packages/sandbox-cli/bin/ergon-sandbox.mjs'), ...words], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const [code] = await once(child, 'exit');
  return code;
}

/** Another server on the port would answer in the place of ours. */
async function requireFreePort() {
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    throw new Error('ERGON_SANDBOX_PORT: the quickstart needs a port from 1 to 65535.');
  }
  const probe = createServer().listen(port, host);
  try {
    await once(probe, 'listening');
  } catch (error) {
    if (error.code !== 'EADDRINUSE') throw error;
    throw new Error(
      `Port ${port} on ${host} is in use. Choose another: ERGON_SANDBOX_PORT=${port + 1} bash tools/quickstart.sh`,
      { cause: error },
    );
  }
  probe.close();
  await once(probe, 'close');
}

async function untilHealthy(server) {
  const deadline = Date.now() + 60_000;
  while (Date.now() < deadline) {
    if (server.exitCode !== null || server.signalCode !== null) {
      throw new Error(
        `The server ended at its start (${server.exitCode ?? server.signalCode}); its message stands above.`,
      );
    }
    const health = await fetch(`${url}/api/ergon/sandbox/health`).catch(() => null);
    if (health?.ok) return;
    await pause(100);
  }
  throw new Error('The server did not answer within a minute.');
}

/** Resolves when the server has shut down by itself; one that does not is killed, and that is an error. */
async function stop(server) {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const ended = once(server, 'exit');
  server.kill('SIGTERM');
  const backstop = setTimeout(() => server.kill('SIGKILL'), 30_000);
  await ended;
  clearTimeout(backstop);
  if (server.exitCode !== 0)
    throw new Error(`The server's shutdown ended with ${server.exitCode ?? server.signalCode}.`);
}

async function main() {
  await requireFreePort();
  const server = startServer();
  const interrupted = new Promise((done) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => done('interrupted'));
  });
  try {
    const work = (async () => {
      console.log(`\n==> Starting the API on ${url}`);
      await untilHealthy(server);
      console.log(`\n==> Testing the example "${example}"`);
      const passed = (await testExample()) === 0;
      console.log(passed ? '\nThe solution completed.' : '\nThe solution did not complete.');
      return passed;
    })();
    const passed = await Promise.race([work, interrupted]);
    if (passed === 'interrupted') {
      work.catch(() => undefined); // the server ends under it, which is what was asked for
      return 130;
    }
    if (!passed) return 1;
    if (process.argv.includes('--once')) return 0;

    const elsewhere = url === 'http://127.0.0.1:8102' ? '' : ` --url ${url}`;
    console.log(`\n==> Ergon Sandbox is up: ${url}/docs has its API`);
    console.log(`    Try: npx ergon-sandbox test ${example}${elsewhere}`);
    console.log('    Ctrl-C ends it.');
    const end = await Promise.race([once(server, 'exit'), interrupted]);
    if (end !== 'interrupted') throw new Error(`The server ended by itself (${end[0] ?? end[1]}).`);
    return 0;
  } finally {
    await stop(server);
  }
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(`\n${error.message}`);
  process.exitCode = 1;
}
