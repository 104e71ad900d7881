// Runs in a container: Debian's docker-registry behind a front that a test can make slow, silent, or talkative. One JSON value a line on stdout:
// the port, then each request, and how it ended.
const { spawn } = require('node:child_process');
const { createServer, request } = require('node:http');
const { connect } = require('node:net');
const { pipeline } = require('node:stream/promises');
const { setTimeout: delay } = require('node:timers/promises');

const { bytesPerSecond = Infinity, mute = false, echo = false } = JSON.parse(process.argv[2]);
const socketPath = '/registry.sock';
const say = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);

const registry = spawn('/usr/bin/docker-registry', ['serve', '/registry.json'], {
  stdio: ['ignore', 'ignore', 'pipe'],
});
let complaints = '';
registry.stderr.on('data', (text) => (complaints += text));
registry.on('exit', (code) => {
  say({ type: 'registry ended', code, complaints });
  process.exit(1);
});

const server = createServer((asked, answer) => {
  const { method, url, headers } = asked;
  const isBlob = method === 'GET' && url.includes('/blobs/');
  say({ type: 'asked', method, url });
  let left = Infinity; // who has it all may close before the answer ends
  answer.on('close', () => say({ type: answer.writableFinished || left === 0 ? 'answered' : 'cut', method, url }));
  if (echo && headers.authorization !== undefined) {
    const message = `you sent ${headers.authorization}, which is ${Buffer.from(headers.authorization.slice(6), 'base64')}`;
    answer.writeHead(403, { 'content-type': 'application/json' });
    answer.end(JSON.stringify({ errors: [{ code: 'DENIED', message }] }));
    return;
  }
  const slowly = async function* (parts) {
    for await (const part of parts) {
      yield part;
      left -= part.length;
      if (isBlob && mute) await new Promise((resolve) => answer.once('close', resolve));
      if (isBlob && Number.isFinite(bytesPerSecond)) await delay((1000 * part.length) / bytesPerSecond);
    }
  };
  const behind = request({ socketPath, method, path: url, headers }, (said) => {
    left = Number(said.headers['content-length'] ?? Infinity);
    answer.writeHead(said.statusCode, said.headers);
    pipeline(said, slowly, answer).catch(() => answer.destroy()); // it was cut off
  });
  behind.on('error', () => answer.destroy());
  asked.pipe(behind);
});

async function main() {
  const answers = () =>
    new Promise((resolve) => {
      const socket = connect(socketPath, () => resolve(socket.destroy() && true)).on('error', () => resolve(false));
    });
  while (!(await answers())) await delay(20);
  server.listen(0, '127.0.0.1', () => say({ type: 'port', port: server.address().port }));
}
void main();
