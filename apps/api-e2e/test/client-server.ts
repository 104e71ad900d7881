import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { SandboxClient } from '@ergon/sandbox-client';
import type { ReconnectOptions, Sandbox, SandboxEvent } from '@ergon/sandbox-client';
import { TestServer } from './server.js';

/** Of the servers of the client's tests. */
export const token = 'a-token-of-this-test';

/** A server that wants a token, a client of it, and a solution on it. */
export interface Served {
  readonly server: TestServer;
  readonly client: SandboxClient;
  readonly solutionId: string;
  readonly open: () => Promise<Sandbox>;
}

export async function serve(env: Readonly<Record<string, string>> = {}): Promise<Served> {
  const server = await TestServer.start({ env: { ERGON_SANDBOX_TOKEN: token, ...env } });
  const client = clientOf(server.url);
  const solutionId = await store(client);
  const open = (): Promise<Sandbox> => client.sandboxes.open(solutionId, { timeout: 120, memoryLimit: '256m' });
  return { server, client, solutionId, open };
}

export function clientOf(baseUrl: string, reconnect: ReconnectOptions = {}): SandboxClient {
  return new SandboxClient({ baseUrl, token, reconnect });
}

/** Stores a solution whose command and tests are its own. */
export async function store(to: SandboxClient): Promise<string> {
  const content = { code: 'echo own; exit 4', main_file: 'main.sh', test_command: ['echo', 'tested'] };
  return (await to.solutions.store({ name: 'client', version: '1', content })).id;
}

export async function gather(events: AsyncIterable<SandboxEvent>): Promise<SandboxEvent[]> {
  const seen: SandboxEvent[] = [];
  for await (const event of events) seen.push(event);
  return seen;
}

const closing: Server[] = [];
afterAll(() => {
  for (const server of closing) server.close();
});

/** What stands before a server: each connection that comes, and one to the server, are given to what passes on. @returns its address */
export async function proxyBefore(target: string, pass: (near: Socket, far: Socket) => void): Promise<string> {
  const { hostname, port } = new URL(target);
  const proxy = createServer((near) => pass(near, connect(Number(port), hostname)));
  closing.push(proxy);
  return listening(proxy);
}

/** Until the tests end. @returns its address */
export async function listening(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  if (!closing.includes(server)) closing.push(server);
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
