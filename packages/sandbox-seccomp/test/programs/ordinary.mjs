// What ordinary Node programs do. Prints one line for each thing that worked.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { createServer, request } from 'node:http';
import { tmpdir } from 'node:os';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import { gzip, gunzip } from 'node:zlib';

const folder = await mkdtemp(`${tmpdir()}/`);
await writeFile(`${folder}/a`, 'hello');
assert.equal(await readFile(`${folder}/a`, 'utf8'), 'hello');
console.log('files');

const worker = new Worker('require("node:worker_threads").parentPort.postMessage(6 * 7)', { eval: true });
assert.equal(await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject)), 42);
console.log('worker');

const { stdout } = await promisify(execFile)(process.execPath, ['-p', '1 + 1']);
assert.equal(stdout, '2\n');
console.log('child process');

const server = createServer((_, response) => response.end('hi'));
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const status = await new Promise((resolve, reject) =>
  request({ port: server.address().port, agent: false }, (response) => resolve(response.resume().statusCode))
    .on('error', reject)
    .end(),
);
server.close();
assert.equal(status, 200);
console.log('http');

assert.equal((await promisify(gunzip)(await promisify(gzip)('x'))).toString(), 'x');
console.log('thread pool');

const adder = new WebAssembly.Module(
  new Uint8Array([
    0, 97, 115, 109, 1, 0, 0, 0, 1, 7, 1, 96, 2, 127, 127, 1, 127, 3, 2, 1, 0, 7, 7, 1, 3, 97, 100, 100, 0, 0, 10, 9, 1,
    7, 0, 32, 0, 32, 1, 106, 11,
  ]),
);
assert.equal(new WebAssembly.Instance(adder).exports.add(2, 3), 5);
console.log('webassembly');
