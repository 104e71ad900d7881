import { Registry } from './support/registry.js';
import { TestServer } from './support/server.js';
import { docker } from './support/engine.js';

jest.setTimeout(180_000);

test('explore', async () => {
  await using registry = await Registry.launch({bytesPerSecond: 2_000_000});
  const digest = await registry.offer('team/app', { bytes: 12 << 20 });
  console.log(registry.host, digest);
  await using server = new TestServer({ pull: { from: [registry.host] } });
  const reports: unknown[] = [];
  const started = performance.now();
  const run = await server.run(['sh', '-c', 'ls -l /layer'], {}, {}, { image: `${registry.host}/team/app:1`, report: (r) => reports.push([Math.round(performance.now() - started), r]) });
  console.log(run.stdout, run.end, JSON.stringify(reports, null, 0), JSON.stringify(registry.said));
  const stream = await docker.createImage({fromImage: `${registry.host}/team/app`, tag: 'nope'}).catch((e: unknown) => e);
  console.log(stream);
});
