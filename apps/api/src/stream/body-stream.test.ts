import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { sentenceOf } from '@ergon/sandbox-core';
import express from 'express';
import { limitBodyTime } from '../http/body-time.js';
import { BodyStream } from './body-stream.js';
import type { BodyStreamOptions } from './body-stream.js';

/** The longest silence, in ms. */
const limitMs = 4000;
const events = { contentType: 'text/event-stream', heartbeat: { text: ':\n\n', everyMs: 20 } };
const file = { contentType: 'application/octet-stream' };

/** A real server whose one answer is written by `work`, and a connection that has asked for it and reads when told to. */
async function exchange(
  options: BodyStreamOptions,
  work: (stream: BodyStream) => Promise<void>,
): Promise<{ client: Socket; worked: Promise<void>; close: () => void }> {
  let asked: (working: { worked: Promise<void> }) => void;
  const working = new Promise<{ worked: Promise<void> }>((resolve) => (asked = resolve));
  const app = express().get('/', (request, response) => {
    limitBodyTime(request, limitMs, () => undefined);
    asked({ worked: work(new BodyStream(response, options)) });
  });
  const server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  client.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
  const close = (): void => {
    client.destroy();
    server.closeAllConnections();
    server.close();
  };
  return { client, ...(await working), close };
}

async function received(client: Socket, enough: (text: string) => boolean): Promise<string> {
  let text = '';
  for await (const chunk of client.iterator({ destroyOnReturn: false })) {
    text += (chunk as Buffer).toString();
    if (enough(text)) return text;
  }
  return text;
}

test('headers come before anything is written, and a heartbeat whenever nothing is', async () => {
  const { client, close } = await exchange(events, async () => Promise.resolve());
  const text = await received(client, (sofar) => sofar.split(':\n\n').length > 3);
  expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  expect(text).toContain('\r\nContent-Type: text/event-stream\r\n');
  close();
});

test('a writer waits for a reader that does not read, and goes on when it does', async () => {
  const piece = 'x'.repeat(1 << 20);
  let written = 0;
  const { client, worked, close } = await exchange(events, async (stream) => {
    for (let count = 0; count < 64; count += 1) {
      await stream.write(piece);
      written += 1;
    }
    stream.end();
  });
  client.pause();
  let before = -1;
  // Nobody reads: what is written stands still, far from its end, also for longer than a body may be left unread.
  while (before !== written || written === 0) {
    before = written;
    await new Promise((resolve) => setTimeout(resolve, 1.5 * limitMs));
  }
  expect(written).toBeLessThan(64);
  await Promise.all([worked, received(client, (text) => text.length > 64 << 20)]);
  expect(written).toBe(64);
  close();
});

test('a reader that leaves ends the waiting, and is known to have left', async () => {
  let stream: BodyStream | undefined;
  const { client, worked, close } = await exchange(events, async (opened) => {
    stream = opened;
    while (!opened.left.aborted) await opened.write('x'.repeat(1 << 20));
    await opened.write('nobody gets this');
  });
  client.pause();
  client.destroy();
  await worked;
  expect(stream?.left.aborted).toBe(true);
  close();
});

test('a reader that takes nothing of a body is given up, and its connection ended', async () => {
  const bytes = 64 << 20;
  const { client, worked, close } = await exchange(file, (stream) => stream.write('x'.repeat(bytes)));
  client.pause();
  await worked;
  const text = await received(client, () => false).catch((error: unknown) => sentenceOf(error));
  expect(text.length).toBeLessThan(bytes);
  close();
});

test('a slow reader of a body, and of large pieces, is not given up', async () => {
  const [pieces, bytes] = [3, 32 << 20];
  const { client, worked, close } = await exchange(file, async (stream) => {
    for (let count = 0; count < pieces; count += 1) await stream.write('x'.repeat(bytes));
    stream.end();
  });
  let taken = 0;
  const begun = performance.now();
  for await (const chunk of client.iterator({ destroyOnReturn: false })) {
    taken += (chunk as Buffer).length;
    if (taken >= pieces * bytes) break;
    if (performance.now() < begun + 3 * limitMs) await new Promise((resolve) => setTimeout(resolve, 15));
  }
  await worked;
  expect(taken).toBeGreaterThanOrEqual(pieces * bytes);
  close();
});
