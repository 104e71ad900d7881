import type { SandboxClient, WireEvent } from '@ergon/sandbox-client';
import { Failure } from '../failure.js';
import { Pipes } from '../output/pipe.js';
import { complain, plain } from '../output/words.js';
import { withServer } from '../server.js';

interface LogsOptions {
  readonly url: string;
  readonly follow?: boolean;
  readonly json?: unknown;
}

/** Prints what an execution wrote, byte for byte, or its events; of one that runs until its end, over connections that break. */
export async function logs(executionId: string, { url, follow = false, json }: LogsOptions): Promise<number> {
  const pipes = new Pipes();
  return withServer(url, async (client) => {
    const sandboxId = await runsIn(client, executionId);
    if (sandboxId !== null && !follow) {
      if (json !== undefined) throw new Failure('The execution is running.', 'Follow its events to their end with -f.');
      await printSoFar(client, { sandboxId, executionId }, pipes);
      return 0;
    }
    try {
      const raw = json === undefined;
      for await (const event of client.wire.events(executionId, { raw, signal: pipes.closed })) {
        if (raw) await print(event, pipes);
        else await pipes.write('stdout', `${JSON.stringify(event)}\n`);
      }
    } catch (error) {
      if (!pipes.closed.aborted) throw error;
    }
    return 0;
  });
}

/** The sandbox in which it runs at this moment; also the first call, by which a server that is not there is told at once. */
async function runsIn(client: SandboxClient, executionId: string): Promise<string | null> {
  const rows = await client.history({ limit: 1000 });
  return rows.find((row) => row.executionId === executionId && row.status === 'running')?.sandboxId ?? null;
}

/** The events of one that runs have no end, so that its result is asked for, which is what there is by now. */
async function printSoFar(
  client: SandboxClient,
  { sandboxId, executionId }: { readonly sandboxId: string; readonly executionId: string },
  pipes: Pipes,
): Promise<void> {
  const { stdout, stderr } = await (await client.sandboxes.connect(sandboxId)).results({ executionId });
  await pipes.write('stdout', stdout ?? '');
  await pipes.write('stderr', stderr ?? '');
}

/** What it wrote goes where it wrote it; sentences on what went wrong are ours. */
async function print(event: WireEvent, pipes: Pipes): Promise<void> {
  if (event.type === 'data') await pipes.write(event.stream, Buffer.from(event.data, 'base64'));
  else if (event.type === 'error') complain(plain(event.message));
}
