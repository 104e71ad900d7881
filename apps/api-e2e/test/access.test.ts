import { EventSource } from 'eventsource';
import type { Answer } from './server.js';
import { sandbox, TestServer } from './server.js';
import { SocketClient } from './socket.js';
import { until } from './until.js';

const token = 'a-token-of-this-test';
const bearer = { Authorization: `Bearer ${token}` };

let server: TestServer;
beforeAll(async () => {
  server = await TestServer.start({ env: { ERGON_SANDBOX_TOKEN: token } });
  server.headers = bearer;
});
afterEach(() => {
  SocketClient.endAll();
});
afterAll(() => TestServer.endAll());

async function ticketFor(sandboxId: string): Promise<string> {
  const { ticket } = await server.ok('POST', sandbox('/ticket'), { sandbox_id: sandboxId });
  return ticket;
}

function followed(sandboxId: string, ticket: string): Promise<number> {
  const path = `${sandbox('/execute')}?sandbox_id=${sandboxId}&ticket=${ticket}`;
  return server.fetch(path).then(async (response) => {
    await response.text();
    return response.status;
  });
}

describe('with a token', () => {
  it.each([
    ['no token', {}],
    ['another token', { Authorization: 'Bearer something-else-here' }],
    ['a part of it', { Authorization: `Bearer ${token.slice(0, -1)}` }],
    ['another scheme', { Authorization: `Basic ${token}` }],
    ['an empty one', { Authorization: 'Bearer ' }],
  ])('%s is refused on every path, and nothing is told', async (_what, headers: Record<string, string>) => {
    for (const [method, path] of [
      ['GET', sandbox('/providers')],
      ['GET', sandbox('/nowhere')],
      ['POST', sandbox('/test')],
      ['POST', sandbox('/cleanup-all')],
      ['GET', '/api/ergon/registry/search'],
      ['GET', '/'],
    ] as const) {
      const answer: Answer = await server.call(method, path, undefined, { Authorization: '', ...headers });
      expect(answer).toMatchObject({ status: 401, body: { code: 'SANDBOX013', title: 'Not authorised' } });
      expect(answer.headers.get('www-authenticate')).toBe('Bearer');
      expect(JSON.stringify(answer.body)).not.toContain(token.slice(0, 8));
    }
  });

  it('a token without the word Bearer is told what is missing, right or wrong', async () => {
    const told = async (authorization: string): Promise<string> =>
      (await server.call('GET', sandbox('/providers'), undefined, { Authorization: authorization })).body.detail;
    expect(await told(token)).toContain('the word Bearer is missing');
    expect(await told('something-else-here')).toBe(await told(token));
    expect(await told('Bearer something-else-here')).toContain('the token is not that of this server');
  });

  it('calls that bring it work, and neither token nor tickets are in the log', async () => {
    const sandboxId = await server.openShell('echo hello');
    const ticket = await ticketFor(sandboxId);
    expect(await followed(sandboxId, ticket)).toBe(200);
    expect(server.output + server.errors).not.toContain(token);
    expect(server.output + server.errors).not.toContain(ticket);
  });

  it('an EventSource follows with a ticket, to the end', async () => {
    const sandboxId = await server.openShell('echo one; echo two');
    const ticket = await ticketFor(sandboxId);
    const source = new EventSource(`${server.url}${sandbox('/execute')}?sandbox_id=${sandboxId}&ticket=${ticket}`);
    const seen: unknown[] = [];
    source.onmessage = ({ data }) => seen.push(JSON.parse(data as string));
    await until(() => source.readyState === EventSource.CLOSED, 20_000);
    expect(seen).toMatchObject([{ line: '[stdout] one' }, { line: '[stdout] two' }, { done: true, exit_code: 0 }]);
  });

  it('a WebSocket opens with a ticket or the token, and is refused without', async () => {
    const sandboxId = await server.openShell('echo hello');
    await expect(SocketClient.open(server, sandboxId)).rejects.toThrow('401');
    await expect(SocketClient.open(server, `${sandboxId}?ticket=x`)).rejects.toThrow('401');
    const byToken = await SocketClient.open(server, sandboxId, { headers: bearer });
    const byTicket = await SocketClient.open(server, `${sandboxId}?ticket=${await ticketFor(sandboxId)}`);
    await byTicket.run({});
    expect(byTicket.lines).toEqual(['[stdout] hello']);
    await until(() => byToken.of('complete').length === 1);
  });
});

describe('a ticket', () => {
  it('is good for its own sandbox, and for following only', async () => {
    const [mine, other] = [await server.openShell('echo mine'), await server.openShell('echo other')];
    const ticket = await ticketFor(mine);
    expect(await followed(other, ticket)).toBe(401);
    for (const [method, path] of [
      ['POST', sandbox('/execute')],
      ['GET', sandbox(`/results/${mine}`)],
      ['DELETE', sandbox(`/${mine}`)],
      ['POST', sandbox('/ticket')],
    ] as const) {
      const answer = await server.call(method, `${path}?ticket=${ticket}`, undefined, { Authorization: '' });
      expect(answer.status).toBe(401);
    }
    expect(await followed(mine, ticket)).toBe(200);
  });

  it('is good for reconnects while the execution runs, and no longer once the sandbox is gone', async () => {
    const sandboxId = await server.openShell('echo up; exec sleep 60');
    const ticket = await ticketFor(sandboxId);
    for (let time = 0; time < 3; time += 1) {
      const client = await SocketClient.open(server, `${sandboxId}?ticket=${ticket}`);
      if (time === 0) client.send({ action: 'execute' });
      await until(() => client.lines.length === 1);
      client.webSocket.terminate();
    }
    await server.ok('DELETE', sandbox(`/${sandboxId}`));
    await expect(SocketClient.open(server, `${sandboxId}?ticket=${ticket}`)).rejects.toThrow('401');
  });

  it('is refused for a sandbox that is not there, and for a body that names none', async () => {
    expect(await server.call('POST', sandbox('/ticket'), { sandbox_id: 'nowhere' })).toMatchObject({ status: 404 });
    expect(await server.call('POST', sandbox('/ticket'), {})).toMatchObject({
      status: 422,
      body: { field: 'sandbox_id' },
    });
  });
});

describe('at the start', () => {
  it.each([
    [{ ERGON_SANDBOX_HOST: '0.0.0.0' }, /ERGON_SANDBOX_HOST: .*ERGON_SANDBOX_TOKEN/],
    [{ ERGON_SANDBOX_HOST: '::' }, /ERGON_SANDBOX_HOST: .*ERGON_SANDBOX_TOKEN/],
    [{ ERGON_SANDBOX_HOST: 'sandbox.example.org' }, /ERGON_SANDBOX_HOST: .*ERGON_SANDBOX_TOKEN/],
    [{ ERGON_SANDBOX_HOST: 'not a host' }, /ERGON_SANDBOX_HOST: must be/],
    [{ ERGON_SANDBOX_TOKEN: 'short' }, /ERGON_SANDBOX_TOKEN: must have/],
  ])('%j is refused', async (env, sentence) => {
    const refused = TestServer.launch({ env: env });
    await until(() => refused.ended);
    expect(refused.process.exitCode).toBe(78);
    expect(refused.errors).toMatch(sentence);
  });
});
