import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Sandbox } from '@ergon/sandbox-client';
import { WebSocketServer } from 'ws';
import { clientOf, gather, listening } from './client-server.js';

const ours = 'is not what a server of Ergon Sandbox sends';
const sandboxId = 'a-sandbox';
const executionId = 'an-execution';
const metrics = { provider: 'p', wall_time: 1, cpu_time: 1, memory_peak: 1, prepare_time: 1, samples: [] };
const result = {
  sandbox_id: sandboxId,
  solution_id: 's',
  execution_id: executionId,
  status: 'completed',
  exit_code: 0,
  cause: 'exited',
  signal: null,
  execution_time: 1,
  stdout: '',
  stderr: '',
  truncated: false,
  errors: [],
  limits_hit: [],
  files: [],
  metrics,
};

/** What the server answers to all that is asked, or says on each WebSocket once it has heard something. */
let answer: (request: IncomingMessage, response: ServerResponse) => void;
let says = (_executionId: string): string | Buffer => '';
let asked = 0;
let sandbox: Sandbox;
let client: ReturnType<typeof clientOf>;

beforeAll(async () => {
  const server = createServer((request, response) => {
    asked += 1;
    request.resume();
    answer(request, response);
  });
  new WebSocketServer({ server }).on('connection', (socket) => {
    asked += 1;
    socket.on('message', (data: Buffer) => {
      const { execution_id: id } = JSON.parse(data.toString()) as { execution_id: string };
      socket.send(says(id));
    });
  });
  client = clientOf(await listening(server));
  answerWith(JSON.stringify(result));
  sandbox = await client.sandboxes.connect(sandboxId);
});

function answerWith(text: string): void {
  asked = 0;
  answer = (_request, response) => void response.setHeader('Content-Type', 'application/json').end(text);
}

const event = (fields: object): string => JSON.stringify({ id: `${executionId}:1`, at: 0, ...fields });
const logOf = (line: string): string => `[\n${line},\n${event({ type: 'complete' })}\n]\n`;

it.each([
  ['a page', '<html>'],
  ['an object', '{"a":1}'],
  ['an array of nulls', '[null]'],
  ['an event of another execution', `[\n${JSON.stringify({ id: 'other:1', at: 0, type: 'phase' })}]`],
  ['an event without an id', logOf(JSON.stringify({ at: 0, type: 'phase' }))],
  ['an event whose id is a number', logOf(JSON.stringify({ id: 1, at: 0, type: 'phase' }))],
  ['output of another stream', logOf(event({ type: 'data', stream: 'constructor', data: 'aGk=' }))],
  ['bytes that are none', logOf(event({ type: 'data', stream: 'stdout', data: '%' }))],
  ['a line that is none', logOf(event({ type: 'output', stream: 'stdout', line: 1 }))],
  ['an end without a status', `[\n${event({ type: 'complete' })}\n]\n`],
])('a log that has %s is told at once', async (_name, text) => {
  answerWith(text);
  const refused = { name: 'SandboxApiError', message: expect.stringContaining(ours) as string };
  await expect(gather(client.events(executionId))).rejects.toMatchObject(refused);
  expect(asked).toBe(1);
});

it('a log that is one event without an end is told once it is longer than 16 MiB, and left', async () => {
  const mebibyte = Buffer.alloc(1024 ** 2, 'x');
  let sent = 0;
  let left = false;
  answer = (_request, response) => {
    response.on('close', () => (left = true));
    response.write('[\n{"');
    const more = (): void => {
      while (!left) {
        sent += 1;
        if (!response.write(mebibyte)) {
          response.once('drain', more);
          return;
        }
      }
    };
    more();
  };
  await expect(gather(client.events(executionId))).rejects.toThrow(ours);
  expect(sent).toBeLessThan(64);
});

const calls = {
  'execution.wait': () => sandbox.commands.connect(executionId).wait(),
  'sandbox.results': () => sandbox.results(),
  'sandbox.stop': () => sandbox.stop(),
  'sandboxes.open': () => client.sandboxes.open('s'),
  'sandboxes.list': () => client.sandboxes.list(),
  'client.history': () => client.history(),
  'client.providers': () => client.providers(),
  'client.health': () => client.health(),
  'solutions.store': () => client.solutions.store({ name: 'n', version: '1', content: {} }),
  'solutions.get': () => client.solutions.get('s'),
  'solutions.search': () => client.solutions.search(),
  'files.list': () => sandbox.files.list(),
  'files.stat': () => sandbox.files.stat('f'),
  'files.write': () => sandbox.files.write('f', 'x'),
  'files.uploadArchive': () => sandbox.files.uploadArchive('f', 'x'),
  'output.list': () => sandbox.output().list(),
};

it.each(Object.entries(calls))(
  '%s fails at once, with a sentence, where a page or something else comes',
  async (_name, call) => {
    for (const text of ['<html>', 'null', '{"a":[{"b":null}]}', '[{}]', '']) {
      answerWith(text);
      await expect(call()).rejects.toMatchObject({
        name: 'SandboxApiError',
        message: expect.stringContaining(ours) as string,
      });
      expect(asked).toBe(1);
    }
  },
);

it('a failure told by something that is no problem document has its status', async () => {
  for (const text of ['null', '[]', '{"detail":1}', '<html>']) {
    answer = (_request, response) =>
      void response.writeHead(418, { 'Content-Type': 'application/problem+json' }).end(text);
    await expect(client.health()).rejects.toMatchObject({ status: 418, message: 'The server answered with 418.' });
  }
});

it.each([
  ['no JSON', () => '<html>'],
  ['null', () => 'null'],
  ['a refusal without a sentence', () => '{"type":"error"}'],
  ['a start of nothing', () => '{"type":"started"}'],
  [
    'bytes that are none',
    (id: string) => JSON.stringify({ id: `${id}:1`, at: 0, type: 'data', stream: 'stdout', data: '%' }),
  ],
])('a WebSocket that says %s ends a terminal with a sentence', async (_name, message) => {
  says = message;
  asked = 0;
  await expect(sandbox.pty.create({ onData: () => undefined })).rejects.toThrow(ours);
  expect(asked).toBe(1);
});
