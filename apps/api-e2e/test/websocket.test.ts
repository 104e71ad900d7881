import { once } from 'node:events';
import { connect } from 'node:net';
import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { sandbox, TestServer } from './server.js';
import type { Body } from './server.js';
import { SocketClient } from './socket.js';
import { execute, linesOf } from './sse.js';
import { until } from './until.js';

let server: TestServer;
beforeAll(async () => {
  server = await TestServer.start();
});
afterEach(async () => {
  SocketClient.endAll();
  await server.ok('POST', sandbox('/cleanup-all'));
});
afterAll(() => TestServer.endAll());

const open = (): Promise<string> => server.openShell('echo hello');
const sh = (script: string): string[] => ['sh', '-c', script];

describe('a command', () => {
  it("runs as in the guide's section: execute goes in, output lines come out, and its end", async () => {
    const sandboxId = await server.open({ files: { 'test.py': 'print("Test passed!")\n' }, main_file: 'test.py' });
    const client = await SocketClient.open(server, sandboxId);
    expect(await client.run({ command: ['python', 'test.py'] })).toMatchObject({
      type: 'complete',
      status: 'completed',
      exit_code: 0,
    });
    expect(client.of('output')).toMatchObject([{ type: 'output', line: '[stdout] Test passed!' }]);
    expect(client.messages.every(({ id }) => /^[\w-]+:\d+$/.test(id ?? ''))).toBe(true);
    expect(new Set(client.messages.map(({ type }) => type))).toEqual(new Set(['output', 'metrics', 'complete']));
  });

  it('is the default one of the solution when none is named; several run one after another on one connection', async () => {
    const client = await SocketClient.open(server, await open());
    await client.run({});
    await client.run({ command: sh('echo two; exit 3') });
    expect(client.lines).toEqual(['[stdout] hello', '[stdout] two']);
    expect(client.of('complete')).toMatchObject([{ exit_code: 0 }, { status: 'failed', exit_code: 3 }]);
  });

  it('that is stopped ends as stopped, and the next one runs', async () => {
    const client = await SocketClient.open(server, await open());
    client.send({ action: 'execute', command: sh('echo up; exec sleep 60') });
    await until(() => client.lines.length === 1);
    client.send({ action: 'stop' });
    await until(() => client.of('complete').length === 1);
    expect(client.of('complete')).toMatchObject([{ status: 'stopped', exit_code: null }]);
    expect(await client.run({ command: ['true'] })).toMatchObject({ status: 'completed' });
  });

  it('that cannot be started, or is too slow, is told by a sentence before its end', async () => {
    const client = await SocketClient.open(server, await server.openShell('sleep 60', { timeout: 1 }));
    await client.run({ command: ['no-such-program'] });
    await client.run({});
    expect(client.of('error')).toMatchObject([
      { message: expect.stringMatching(/not started/) as string },
      { message: 'Execution timeout exceeded', code: 'SANDBOX003' },
    ]);
    expect(client.of('complete')).toMatchObject([{ status: 'failed' }, { status: 'timeout' }]);
  });

  it('gives bytes with raw, whatever they are', async () => {
    const client = await SocketClient.open(server, await open());
    await client.run({ command: sh("printf 'a\\377\\000b'"), raw: true });
    expect(Buffer.concat(client.of('data').map(({ data = '' }) => Buffer.from(data, 'base64')))).toEqual(
      Buffer.from([0x61, 0xff, 0, 0x62]),
    );
    expect(client.of('output')).toEqual([]);
  });

  it('sent again under its id is followed, never started a second time', async () => {
    const sandboxId = await open();
    const first = await SocketClient.open(server, sandboxId);
    const action = { execution_id: 'once', command: sh('echo run >> /output/runs; echo ran') };
    await first.run(action);
    const second = await SocketClient.open(server, sandboxId);
    await second.run(action);
    expect(second.messages.filter(({ type }) => type !== 'metrics')).toEqual(
      first.messages.filter(({ type }) => type !== 'metrics'),
    );
    expect(await second.run({ command: ['cat', '/output/runs'] })).toMatchObject({ status: 'completed' });
    expect(second.lines.at(-1)).toBe('[stdout] run');
  });
});

describe('stdin', () => {
  it('is given as it is typed, as text or bytes, until its end is sent', async () => {
    const client = await SocketClient.open(server, await open());
    client.send({ action: 'execute', command: sh('read line; echo "got $line"; exec od -An -tx1'), stdin: true });
    client.send({ action: 'stdin', data: 'grün\n' });
    await until(() => client.lines.includes('[stdout] got grün'));
    client.send({ action: 'stdin', data: Buffer.from([0, 255]).toString('base64'), encoding: 'base64' });
    client.webSocket.send(Buffer.from([1, 2]));
    client.send({ action: 'stdin_close' });
    await until(() => client.of('complete').length === 1);
    expect(client.lines.at(-1)).toBe('[stdout]  00 ff 01 02');
  });

  it('is empty and closed where it was not asked for', async () => {
    const client = await SocketClient.open(server, await open());
    await client.run({ command: sh('cat; echo over') });
    expect(client.lines).toEqual(['[stdout] over']);
    client.send({ action: 'execute', command: ['sleep', '60'] });
    client.send({ action: 'stdin', data: 'x' });
    await until(() => client.of('error').length === 1);
    expect(client.of('error')).toMatchObject([
      { code: 'SANDBOX008', message: expect.stringMatching(/stdin/) as string },
    ]);
  });

  it('of 20 MB reaches a slow program whole, and a program that takes nothing can still be stopped', async () => {
    const client = await SocketClient.open(server, await open());
    const megabyte = Buffer.alloc(1_000_000, 'x');
    client.send({ action: 'execute', command: sh('sleep 0.5; wc -c'), stdin: true });
    for (let sent = 0; sent < 20; sent += 1) client.webSocket.send(megabyte);
    client.send({ action: 'stdin_close' });
    await until(() => client.of('complete').length === 1, 30_000);
    expect(client.lines).toEqual(['[stdout] 20000000']);

    client.send({ action: 'execute', command: ['sleep', '60'], stdin: true });
    client.send({ action: 'stdin', data: 'x'.repeat(500_000) });
    client.send({ action: 'stop' });
    await until(() => client.of('complete').length === 2);
    expect(client.of('complete').at(-1)).toMatchObject({ status: 'stopped' });
  });
});

describe('a terminal', () => {
  /** Types when the screen shows something. */
  async function type(client: SocketClient, shown: RegExp, keys: string): Promise<void> {
    await until(() => shown.test(client.text), 15_000);
    client.send({ action: 'stdin', data: keys });
  }

  it('runs vi: a file is written by its keys', async () => {
    const client = await SocketClient.open(server, await open());
    client.send({ action: 'execute', command: ['busybox', 'vi', 'note.txt'], tty: true, cols: 60, rows: 10 });
    await type(client, /~/, 'ihello from vi\u001b');
    await type(client, /hello from vi/, ':wq\r');
    await until(() => client.of('complete').length === 1);
    expect(client.of('complete')).toMatchObject([{ status: 'completed', exit_code: 0 }]);
    await client.run({ command: ['cat', 'note.txt'] });
    expect(client.lines).toEqual(['[stdout] hello from vi']);
  });

  it('runs top until q is pressed', async () => {
    const client = await SocketClient.open(server, await open());
    client.send({ action: 'execute', command: ['top'], tty: true });
    await type(client, /PID/, 'q');
    await until(() => client.of('complete').length === 1);
    expect(client.of('complete')).toMatchObject([{ status: 'completed' }]);
  });

  it('runs python at its prompt', async () => {
    const client = await SocketClient.open(server, await open());
    client.send({ action: 'execute', command: ['python3'], tty: true });
    await type(client, />>> $/, 'print(6 * 7)\r');
    await type(client, /\r\n42\r\n>>> $/, '\u0004');
    await until(() => client.of('complete').length === 1);
    expect(client.of('complete')).toMatchObject([{ exit_code: 0 }]);
  });

  it('has the size that was asked for, and the new one after a resize', async () => {
    const client = await SocketClient.open(server, await open());
    const command = sh('trap "stty size; exit" WINCH; stty size; while :; do sleep 0.05; done');
    client.send({ action: 'execute', command, tty: true, cols: 100, rows: 30 });
    await until(() => client.text.includes('30 100'));
    client.send({ action: 'resize', cols: 132, rows: 43 });
    await until(() => client.of('complete').length === 1);
    expect(client.text).toBe('30 100\r\n43 132\r\n');
  });

  it('ends a program by Ctrl-C', async () => {
    const client = await SocketClient.open(server, await open());
    client.send({
      action: 'execute',
      command: sh('trap "echo caught; exit 7" INT; echo up; while :; do sleep 0.05; done'),
      tty: true,
    });
    await type(client, /up/, '\u0003');
    await until(() => client.of('complete').length === 1);
    expect(client.of('complete')).toMatchObject([{ exit_code: 7 }]);
    expect(client.text).toContain('caught');
  });

  it('is refused a size that is none, by its field', async () => {
    const client = await SocketClient.open(server, await open());
    client.send({ action: 'execute', tty: true, cols: 0 });
    await until(() => client.of('error').length === 1);
    expect(client.of('error')).toMatchObject([{ code: 'SANDBOX008', field: 'cols' }]);
  });
});

test('input and sizes for nothing that runs, and what is no JSON, are refused by sentences about the message', async () => {
  const client = await SocketClient.open(server, await open());
  await client.run({ command: ['true'] });
  client.send({ action: 'stdin', data: 'x' });
  client.send({ action: 'stdin_close' });
  client.send({ action: 'resize', cols: 80, rows: 24 });
  client.send({ action: 'stop' });
  client.send('{"action":');
  client.send('7');
  await until(() => client.of('error').length === 6);
  const sentences = client.of('error').map(({ message }) => message);
  expect(
    sentences.filter((sentence) => sentence === 'Nothing runs in this sandbox; execute something first.'),
  ).toHaveLength(4);
  expect(sentences.filter((sentence) => sentence?.startsWith('The message is not JSON'))).toHaveLength(2);
});

test('times are whole milliseconds, as over HTTP', async () => {
  const client = await SocketClient.open(server, await open());
  await client.run({ command: ['sh', '-c', 'echo one; sleep 0.1; echo two'] });
  const times = client.messages.flatMap(({ at }) => at ?? []);
  expect(times.length).toBeGreaterThanOrEqual(3);
  expect(times.filter((at) => !Number.isInteger(at))).toEqual([]);
});

describe('many clients on one sandbox', () => {
  it('see the same, also of what is started over HTTP, and any of them may type', async () => {
    const sandboxId = await open();
    const clients = await Promise.all(Array.from({ length: 5 }, () => SocketClient.open(server, sandboxId)));
    const [first, second] = clients as [SocketClient, SocketClient];
    first.send({ action: 'execute', command: ['cat'], stdin: true });
    first.send({ action: 'stdin', data: 'one\n' });
    await until(() => second.lines.length === 1);
    second.send({ action: 'stdin', data: 'two\n' });
    await until(() => first.lines.length === 2);
    second.send({ action: 'stdin_close' });
    await until(() => clients.every((client) => client.of('complete').length === 1));
    const stream = await execute(server, sandboxId, { command: ['echo', 'over HTTP'] });
    expect(linesOf(stream.messages)).toEqual(['[stdout] over HTTP']);
    await until(() => clients.every((client) => client.of('complete').length === 2));
    for (const client of clients) {
      expect(client.lines).toEqual(['[stdout] one', '[stdout] two', '[stdout] over HTTP']);
      expect(client.messages).toEqual(first.messages);
    }
  });

  it('get an error of their own when one runs already, and the others do not', async () => {
    const sandboxId = await open();
    const [first, second] = [await SocketClient.open(server, sandboxId), await SocketClient.open(server, sandboxId)];
    first.send({ action: 'execute', command: ['sleep', '60'] });
    await until(async () => (await server.list(sandbox('/active')))[0]?.status === 'running');
    second.send({ action: 'execute' });
    await until(() => second.of('error').length === 1);
    expect(second.of('error')).toMatchObject([{ code: 'SANDBOX007' }]);
    expect(first.of('error')).toEqual([]);
  });

  it('come later and see a running execution from its start', async () => {
    const sandboxId = await open();
    const first = await SocketClient.open(server, sandboxId);
    first.send({ action: 'execute', command: sh('echo early; read x; echo late'), stdin: true });
    await until(() => first.lines.length === 1);
    const second = await SocketClient.open(server, sandboxId);
    await until(() => second.lines.length === 1);
    second.send({ action: 'stdin', data: '\n' });
    await until(() => second.of('complete').length === 1);
    expect(second.lines).toEqual(['[stdout] early', '[stdout] late']);
  });
});

describe('a connection that dies', () => {
  it('stops nothing and loses nothing: the next one goes on after the last id, also once the run has ended', async () => {
    const sandboxId = await open();
    const first = await SocketClient.open(server, sandboxId);
    const whole = await SocketClient.open(server, sandboxId);
    first.send({
      action: 'execute',
      command: sh('for i in 1 2 3; do echo $i; done; read x; for i in 4 5 6; do echo $i; done'),
      stdin: true,
    });
    await until(() => first.lines.length === 3);
    first.webSocket.terminate();
    const last = first.messages.at(-1)?.id ?? '';
    await until(() => whole.lines.length === 3);
    whole.send({ action: 'stdin', data: '\n' });
    await until(() => whole.of('complete').length === 1);
    const second = await SocketClient.open(server, `${sandboxId}?after=${last}`);
    await until(() => second.of('complete').length === 1);
    expect([...first.messages, ...second.messages]).toEqual(whole.messages);
  });

  it('may come back after the sandbox is gone, for the rest, and is then told that it is gone', async () => {
    const sandboxId = await open();
    const first = await SocketClient.open(server, sandboxId);
    await first.run({ command: sh('echo 1; echo 2') });
    await server.ok('DELETE', sandbox(`/${sandboxId}`));
    await until(() => first.closed !== null);
    expect(first.closed).toEqual({ code: 1000, reason: 'The sandbox is gone' });
    const second = await SocketClient.open(server, `${sandboxId}?after=${first.messages[0]?.id ?? ''}`);
    await until(() => second.closed !== null);
    expect([first.messages[0], ...second.messages]).toEqual(first.messages);
  });
});

it('a slow reader is waited for and holds up nobody, and then has every line', async () => {
  const sandboxId = await server.openShell('seq 1 400000');
  const slow = await SocketClient.open(server, sandboxId);
  const quick = await SocketClient.open(server, sandboxId);
  slow.webSocket.pause();
  quick.send({ action: 'execute' });
  await until(() => quick.of('complete').length === 1, 60_000);
  expect(slow.of('complete')).toEqual([]);
  slow.webSocket.resume();
  await until(() => slow.of('complete').length === 1, 60_000);
  expect(slow.lines).toEqual(quick.lines);
  expect(quick.lines).toHaveLength(400_000);
});

it('with all, everything that the log holds is sent, and the start of each execution', async () => {
  const client = await SocketClient.open(server, `${await open()}?all=true`);
  await client.run({});
  expect(client.messages[0]).toMatchObject({ type: 'started', tty: false });
  expect(client.messages.map(({ type }) => type)).toEqual(
    expect.arrayContaining(['status', 'phase', 'output', 'complete']),
  );
});

describe('a message that is none', () => {
  it.each([
    ['no JSON', '{', 'SANDBOX008', undefined],
    ['no object', '[]', 'SANDBOX008', undefined],
    ['no action', '{}', 'SANDBOX008', 'action'],
    ['an unknown action', '{"action":"reboot"}', 'SANDBOX008', 'action'],
    ['an unknown field', '{"action":"stop","now":true}', 'SANDBOX008', 'now'],
    ['a wrong command', '{"action":"execute","command":[]}', 'SANDBOX008', 'command'],
    ['a command beside test', '{"action":"execute","command":["ls"],"test":true}', 'SANDBOX008', 'test'],
    ['input for nothing', '{"action":"stdin","data":"x"}', 'SANDBOX008', undefined],
    ['a stop of nothing', '{"action":"stop"}', 'SANDBOX008', undefined],
    ['bytes for nothing', Buffer.from('x'), 'SANDBOX008', undefined],
  ])('%s is answered with a sentence, and the connection goes on', async (_what, message, code, field) => {
    const client = await SocketClient.open(server, await open());
    client.webSocket.send(message);
    await until(() => client.of('error').length === 1);
    expect(client.of('error')[0]).toMatchObject({ code, message: expect.stringMatching(/\.$/) as string });
    expect(client.of('error')[0]?.field).toBe(field);
    expect(await client.run({})).toMatchObject({ status: 'completed' });
  });

  it.each([
    ['empty ones', Buffer.alloc(0)],
    ['stops of nothing', '{"action":"stop"}'],
  ])('by the hundred thousand holds up nobody: %s', async (_what, message) => {
    const sandboxId = await open();
    const [flood, other] = [await SocketClient.open(server, sandboxId), await SocketClient.open(server, sandboxId)];
    flood.webSocket.pause(); // it does not read what it is told
    for (let sent = 0; sent < 200_000; sent += 1) flood.webSocket.send(message);
    const begun = performance.now();
    expect(await other.run({})).toMatchObject({ type: 'complete' }); // stopped by one of those, perhaps
    await server.ok('GET', sandbox('/health'));
    expect(performance.now() - begun).toBeLessThan(15_000);
    flood.webSocket.terminate();
  });

  it('of more than 16 MiB ends the connection, and no other', async () => {
    const sandboxId = await open();
    const [large, other] = [await SocketClient.open(server, sandboxId), await SocketClient.open(server, sandboxId)];
    large.webSocket.send(Buffer.alloc(17 * 1024 ** 2));
    await until(() => large.closed !== null);
    expect(large.closed?.code).toBe(1009);
    expect(await other.run({})).toMatchObject({ status: 'completed' });
  });
});

describe('at the door', () => {
  const refusal = (path: string, options = {}): Promise<unknown> =>
    SocketClient.open(server, path, options).then(
      () => 'open',
      (error: unknown) => (error as Error).message,
    );

  it('unknown sandboxes, foreign pages and bad parameters are refused as every call is', async () => {
    const sandboxId = await open();
    expect(await refusal('nowhere')).toMatch('404');
    expect(await refusal(sandboxId, { headers: { Origin: 'https://evil.example' } })).toMatch('403');
    expect(await refusal(sandboxId, { headers: { Host: 'evil.example' } })).toMatch('421');
    expect(await refusal(`${sandboxId}?after=x`)).toMatch('422');
    expect(await refusal(`${sandboxId}?after=x:1`)).toMatch('404');
    expect(await refusal(`${sandboxId}?what=1`)).toMatch('422');
    const { status, body } = await server.call('GET', sandbox(`/ws/${sandboxId}`));
    expect({ status, detail: body.detail }).toEqual({ status: 426, detail: 'This is the address of a WebSocket.' });
  });

  it('a page of the server itself may connect', async () => {
    const client = await SocketClient.open(server, await open(), { headers: { Origin: server.url } });
    expect(await client.run({})).toMatchObject({ status: 'completed' });
  });

  it('a call that also offers another protocol is answered as the call that it is', async () => {
    const answer = await new Promise<{ status: number | undefined; body: string }>((resolve, reject) => {
      const call = request(
        `${server.url}${sandbox('/test')}`,
        {
          method: 'POST',
          headers: {
            'Content-Type': 'application/json',
            Connection: 'Upgrade, HTTP2-Settings',
            Upgrade: 'h2c',
            'HTTP2-Settings': 'AAMAAABkAARAAAAAAAIAAAAA',
          },
        },
        (response) => {
          let body = '';
          response.on('data', (chunk: Buffer) => (body += chunk.toString()));
          response.on('end', () => resolve({ status: response.statusCode, body }));
        },
      );
      call.on('error', reject);
      call.end('{"solution_id":"nowhere"}');
    });
    expect(answer.status).toBe(404);
    expect((JSON.parse(answer.body) as Body).code).toBe('SANDBOX002');
  });

  it('a WebSocket that is asked for before the answers to earlier requests are there ends its connection, and nothing else', async () => {
    const sandboxId = await open();
    const { port } = new URL(server.url);
    const ask = (path: string, upgrade = ''): string =>
      `GET ${sandbox(path)} HTTP/1.1\r\nHost: localhost\r\n${upgrade}\r\n`;
    const toWebSocket =
      'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';
    for (const second of [toWebSocket, 'Connection: Upgrade\r\nUpgrade: h2c\r\n']) {
      const socket = connect(Number(port), '127.0.0.1');
      socket.on('error', () => undefined); // it is cut off
      socket.resume();
      socket.write(ask('/providers') + ask(`/ws/${sandboxId}`, second));
      await once(socket, 'close');
    }
    const client = await SocketClient.open(server, sandboxId);
    expect(await client.run({})).toMatchObject({ status: 'completed' });
  });

  it('what stands behind a thousand headers is not another request', async () => {
    const { port } = new URL(server.url);
    const inner = 'GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n';
    const socket = connect(Number(port), '127.0.0.1');
    socket.write(
      `POST ${sandbox('/ticket')} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n${'a:b\r\n'.repeat(1100)}` +
        `Content-Type: application/json\r\nContent-Length: ${inner.length}\r\nConnection: close\r\n\r\n${inner}`,
    );
    let answers = '';
    socket.on('data', (data: Buffer) => (answers += data.toString()));
    await once(socket, 'close');
    expect(answers.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 400']);
    expect(answers).not.toContain('/smuggled');
  });

  it.each([
    ['no key', 'Sec-WebSocket-Version: 13', 'Missing or invalid Sec-WebSocket-Key header.'],
    ['a bad key', 'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: x', 'Missing or invalid Sec-WebSocket-Key header.'],
    [
      'another version',
      'Sec-WebSocket-Version: 99\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
      'Missing or invalid Sec-WebSocket-Version header.',
    ],
    [
      'a bad protocol',
      'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: a,,b',
      'Invalid Sec-WebSocket-Protocol header.',
    ],
  ])('a handshake with %s is refused by a problem, and leaves nothing', async (_what, headers, detail) => {
    const sandboxId = await open();
    const path = sandbox(`/ws/${sandboxId}`);
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
    socket.write(
      `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX-Request-Id: shake\r\n${headers}\r\n\r\n`,
    );
    const [head = '', body = ''] = (await text(socket)).split('\r\n\r\n');
    expect(head).toMatch(/^HTTP\/1\.1 400 /);
    expect(head).toMatch(/^Content-Type: application\/problem\+json$/m);
    expect(head).toMatch(/^Sec-WebSocket-Version: 13, 8$/m);
    expect(head).toMatch(/^X-Request-Id: shake$/m);
    const problem: unknown = JSON.parse(body);
    expect(problem).toEqual({
      type: 'urn:ergon:sandbox:SANDBOX008',
      title: 'Bad WebSocket handshake',
      status: 400,
      detail,
      code: 'SANDBOX008',
    });
    (await server.contract()).check('GET', path, { status: 400, type: 'application/problem+json', body: problem });
    await until(() => server.log.some((line) => line.status === 400 && line.message === `GET ${path}`));
    const client = await SocketClient.open(server, sandboxId);
    expect(await client.run({})).toMatchObject({ status: 'completed' });
  });
});

it('the end of the server ends the run, its clients see that, and are told', async () => {
  const other = await TestServer.start();
  const client = await SocketClient.open(other, await other.openShell('echo up; exec sleep 60'));
  client.send({ action: 'execute' });
  await until(() => client.lines.length === 1);
  expect(await other.stop()).toBe(0);
  expect(client.of('complete')).toMatchObject([{ status: 'stopped' }]);
  expect(client.closed).toEqual({ code: 1000, reason: 'The sandbox is gone' });
});
