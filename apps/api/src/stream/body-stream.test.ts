import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import express from 'express';
import { BodyStream } from './body-stream.js';

/** A real server whose one answer is written by `work`, and a connection that has asked for it and reads when told to. */
async function exchange(
  work: (stream: BodyStream) => Promise<void>,
): Promise<{ client: Socket; worked: Promise<void>; close: () => void }> {
  let asked: (working: { worked: Promise<void> }) => void;
  const working = new Promise<{ worked: Promise<void> }>((resolve) => (asked = resolve));
  const app = express().get('/', (_request, response) => {
    const heartbeat = { text: ':\n\n', everyMs: 20 };
    asked({ worked: work(new BodyStream(response, { contentType: 'text/event-stream', heartbeat })) });
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
  const { client, close } = await exchange(async () => Promise.resolve());
  const text = await received(client, (sofar) => sofar.split(':\n\n').length > 3);
  expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  expect(text).toContain('\r\nContent-Type: text/event-stream\r\n');
  close();
});

test('a writer waits for a reader that does not read, and goes on when it does', async () => {
  const piece = 'x'.repeat(1 << 20);
  let written = 0;
  const { client, worked, close } = await exchange(async (stream) => {
    for (let count = 0; count < 64; count += 1) {
      await stream.write(piece);
      written += 1;
    }
    stream.end();
  });
  client.pause();
  let before = -1;
  // Nobody reads: what is written stands still, far from its end.
  while (before !== written || written === 0) {
    before = written;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  expect(written).toBeLessThan(64);
  await Promise.all([worked, received(client, (text) => text.length > 64 << 20)]);
  expect(written).toBe(64);
  close();
});

test('a reader that leaves ends the waiting, and is known to have left', async () => {
  let stream: BodyStream | undefined;
  const { client, worked, close } = await exchange(async (opened) => {
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
