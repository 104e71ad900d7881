import type { ReportSink } from '@ergon/sandbox-core';
import { DEBIAN, TestServer } from './server.js';
import { answering, service } from './services.js';

/** A server in a process of its own, to be killed: prepares a sandbox with a service that comes up and one that does so only if asked to; says what is told of them. */
async function main(comesUp: boolean): Promise<void> {
  const server = new TestServer();
  const say = (value: unknown): void => {
    process.stdout.write(`${JSON.stringify(value)}\n`);
  };
  say({ type: 'server', instanceId: server.instanceId, home: server.home });
  const stubborn = `trap "" TERM HUP INT; (setsid sh -c "trap '' TERM; while :; do sleep 1; done" &); while :; do sleep 1; done`;
  const services = {
    up: answering('up', 5000),
    late: service(stubborn, { healthcheck: { test: [comesUp ? 'true' : 'false'] } }),
  };
  const report: ReportSink = (each) => {
    if (each.type === 'service' && 'state' in each) say({ type: `${each.service} ${each.state}` });
  };
  const sandbox = await server.sandbox({}, {}, { image: DEBIAN, services, report });
  say({ type: 'ready' });
  await sandbox.sh('sleep 1000');
}

main(process.argv[2] === 'up').catch((error: unknown) => {
  process.stderr.write(`${String(error)}\n`);
  process.exitCode = 1;
});
