// Runs in a container, beside the engine: a registry with one image, `slow/app:1`, that takes its time for the image's layer. Its layer is a tar archive whose one file, /layer, is random.
// One JSON value a line on stdout: the port, then each request for the layer, and how it ended.
const { createHash, randomBytes } = require('node:crypto');
const { execFileSync } = require('node:child_process');
const { writeFileSync } = require('node:fs');
const { createServer } = require('node:http');
const { Readable } = require('node:stream');
const { pipeline } = require('node:stream/promises');
const { setTimeout: delay } = require('node:timers/promises');

const [bytes, bytesPerSecond] = process.argv.slice(1).map(Number);
const say = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);
const digestOf = (data) => `sha256:${createHash('sha256').update(data).digest('hex')}`;
const type = 'application/vnd.docker';

writeFileSync('/tmp/layer', randomBytes(bytes));
const tar = execFileSync('tar', ['-C', '/tmp', '-c', 'layer'], { maxBuffer: 2 * bytes + 1e6 });
const architecture = process.arch === 'x64' ? 'amd64' : process.arch;
const config = Buffer.from(
  JSON.stringify({ architecture, os: 'linux', config: {}, rootfs: { type: 'layers', diff_ids: [digestOf(tar)] } }),
);
const part = (mediaType, data) => ({ mediaType, size: data.length, digest: digestOf(data) });
const manifest = Buffer.from(
  JSON.stringify({
    schemaVersion: 2,
    mediaType: `${type}.distribution.manifest.v2+json`,
    config: part(`${type}.container.image.v1+json`, config),
    layers: [part(`${type}.image.rootfs.diff.tar`, tar)],
  }),
);

const server = createServer((asked, answer) => {
  const { method, url } = asked;
  const send = (data, mediaType = 'application/octet-stream') => {
    answer.writeHead(200, {
      'content-type': mediaType,
      'content-length': data.length,
      'docker-content-digest': digestOf(data),
    });
    answer.end(method === 'HEAD' ? undefined : data);
  };
  if (url === '/v2/') send(Buffer.from('{}'), 'application/json');
  else if (url.includes('/manifests/')) send(manifest, `${type}.distribution.manifest.v2+json`);
  else if (url.endsWith(digestOf(config))) send(config);
  else if (url.endsWith(digestOf(tar))) {
    say({ type: 'asked' });
    answer.on('close', () => say({ type: answer.writableFinished ? 'answered' : 'cut' }));
    answer.writeHead(200, { 'content-length': tar.length });
    const slowly = async function* () {
      const size = Math.max(1, Math.floor(bytesPerSecond / 20));
      for (let at = 0; at < tar.length; at += size) {
        yield tar.subarray(at, at + size);
        await delay(50);
      }
    };
    pipeline(Readable.from(slowly()), answer).catch(() => answer.destroy()); // it was cut off
  } else answer.writeHead(404).end();
});
server.listen(0, '127.0.0.1', () => say({ type: 'port', port: server.address().port }));
