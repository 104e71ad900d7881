import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { dirname } from 'node:path';
import { describeProvider } from '@ergon/sandbox-conformance';
import type { ConformanceReport, TcpService } from '@ergon/sandbox-conformance';
import { sentenceOf } from '@ergon/sandbox-core';
import type { ProviderPorts, SandboxProvider } from '@ergon/sandbox-core';
import { SandboxExecProvider } from '@ergon/sandbox-provider-exec';
import { fixtures, leftovers } from './system.js';

export type Create = (ports: ProviderPorts) => SandboxProvider;

export interface SuiteRun {
  /** Of each test that ran, by its name: the message with which it failed, or null. */
  readonly failures: ReadonlyMap<string, string | null>;
  readonly report: ConformanceReport;
  /** What was still there when all was over, after this function had removed what a broken provider left. */
  readonly left: readonly string[];
  /** What the suite's last test printed. */
  readonly printed: string;
}

interface Declared {
  readonly name: string;
  readonly body: () => Promise<void>;
  readonly timeoutMs: number;
}

/** Runs those tests of the suite whose names are wanted, one after another, as a test runner would, and its last one. */
export async function runSuite(create: Create, wanted: (name: string) => boolean): Promise<SuiteRun> {
  const declared: Declared[] = [];
  const seen = new Map<string, readonly string[]>();
  let ports: ProviderPorts | null = null;
  await using service = await serve();
  const report = describeProvider({
    test: (name, body, timeoutMs) => declared.push({ name, body, timeoutMs }),
    createProvider: (given) => create((ports = given)),
    fixtures: {
      ...fixtures,
      reachable: service,
      beside: { services: [service], reaches },
      leftovers: (instanceId, ids) => {
        seen.set(instanceId, [...(seen.get(instanceId) ?? []), ...ids]);
        return fixtures.leftovers(instanceId, ids);
      },
    },
  });
  const last = declared.pop();
  if (last === undefined) throw new Error('The suite declares no tests.');

  const failures = new Map<string, string | null>();
  for (const each of declared) if (wanted(each.name)) failures.set(each.name, await failureOf(each));
  const printing = jest.spyOn(process.stdout, 'write').mockReturnValue(true);
  failures.set(last.name, await failureOf(last));
  const printed = printing.mock.calls.map(([text]) => String(text)).join('');
  printing.mockRestore();
  const given = ports as ProviderPorts | null;
  if (given === null) return { failures, report, left: [], printed };
  const left = await sweep(given, seen);
  await rm(dirname(given.stateDir), { recursive: true, force: true });
  return { failures, report, left, printed };
}

/** A service of the host's, on its loopback. */
async function serve(): Promise<TcpService & AsyncDisposable> {
  const server = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { host: '127.0.0.1', port, [Symbol.asyncDispose]: async () => void server.close() };
}

async function reaches({ host, port }: TcpService): Promise<boolean> {
  const socket = connect(port, host);
  return once(socket, 'connect').then(
    () => true,
    () => false,
  );
}

async function failureOf({ name, body, timeoutMs }: Declared): Promise<string | null> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve(`"${name}" hangs: a test runner would have ended it.`), timeoutMs);
  });
  const outcome = body().then(
    () => null,
    (error: unknown) => sentenceOf(error),
  );
  return Promise.race([outcome, late]).finally(() => clearTimeout(timer));
}

/** Removes what a broken provider left, by one that is not broken; what is under way may leave more for a moment. @returns what stays */
async function sweep(ports: ProviderPorts, seen: ReadonlyMap<string, readonly string[]>): Promise<readonly string[]> {
  const provider = new SandboxExecProvider(ports);
  const deadline = performance.now() + 10_000;
  for (;;) {
    for (const instanceId of seen.keys()) await provider.reclaim(instanceId);
    const left = [...seen].flatMap(([instanceId, sandboxIds]) => leftovers([instanceId, ...sandboxIds]));
    if (left.length === 0 || performance.now() > deadline) return left;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
