import { TestServer } from './server.js';

/** A server in a process of its own, to be killed while it pulls; says what is reported on stdout, one JSON value a line. */
async function main(registry: string, image: string): Promise<void> {
  const server = new TestServer({ pull: { from: [registry] } });
  const say = (value: unknown): void => {
    process.stdout.write(`${JSON.stringify(value)}\n`);
  };
  say({ type: 'server', home: server.home, instanceId: server.instanceId });
  await server.sandbox({}, {}, { image, report: say });
  say({ type: 'ready' });
}

const [registry = '', image = ''] = process.argv.slice(2);
main(registry, image).catch((error: unknown) => {
  process.stderr.write(`${String(error)}\n`);
  process.exitCode = 1;
});
