import { SandboxError } from '@ergon/sandbox-core';
import type { CommandSpec, SandboxProcess } from '@ergon/sandbox-core';

/**
 * Runs in a sandbox of its own, in which /workspace is the folder to fill. GNU tar refuses, or mends with a message, names that are
 * absolute or have `..`, writes nothing through links that lead out, and can't make devices there; a message is a refusal, too. Links are
 * looked at once all is there, with what they lead over: from two places at which the folder is seen, since one that leads out and comes
 * in again by the folder's name, or by wherever a process is, stays within one of them at most.
 */
const UNPACK = `
umask 022
refuse() { printf '%s\\n' "$1" | head -n 1 | head -c 300; exit 1; }
said=$(tar --extract --file=- --no-same-owner --warning=no-timestamp --warning=no-unknown-keyword --warning=no-alone-zero-block 2>&1) ||
  said=\${said:-tar failed}
[ -z "$said" ] || refuse "$said"
cd /
[ -z "$(find /workspace -type d ! -perm -u=rx -print -quit)" ] || refuse 'it holds a folder that its owner may not list and enter'
[ -z "$(find /workspace ! -type f ! -type d ! -type l -print -quit)" ] || refuse 'it holds something that is neither a file nor a folder nor a link'
[ -z "$(find /workspace -type l -lname '/*' -print -quit)" ] || refuse 'it holds a link whose target is absolute'
for place in /workspace /output; do
  if find "$place" -type l -exec realpath -mz -- {} + | grep -zqv "^$place\\(/\\|$\\)"; then refuse 'it holds a link that leads out of it'; fi
done
echo unpacked
`;

const MAX_WORDS_LENGTH = 1000;

export interface Unpacking {
  readonly archive: () => AsyncIterable<Uint8Array>;
  readonly target: string;
  readonly maxBytes: number;
  readonly signal: AbortSignal;
  /** Starts a command in a sandbox of its own. */
  readonly start: (run: CommandSpec) => Promise<SandboxProcess>;
}

/** Fills a folder with a tar archive. @throws SandboxError SANDBOX008 (what the archive holds), SANDBOX004 (its size), or what its source throws */
export async function unpack({ archive, target, maxBytes, signal, start }: Unpacking): Promise<void> {
  const stop = new AbortController();
  const tooLarge = new SandboxError('SANDBOX004', `The archive for ${target} holds more than ${maxBytes} bytes.`, {
    field: 'mounts',
  });
  const process = await start({
    command: ['/bin/sh', '-c', UNPACK],
    environment: { LC_ALL: 'C' },
    stdin: true,
    signal,
    report: () => undefined,
    exceeded: ({ limit }) =>
      stop.abort(
        limit === 'disk' ? tooLarge : new SandboxError('SANDBOX004', `Unpacking reached the limit "${limit}".`),
      ),
  });
  const ends = AbortSignal.any([signal, stop.signal]);
  const kill = (): void => {
    process.kill('SIGKILL').catch(() => undefined); // its end tells
  };
  if (ends.aborted) kill();
  else ends.addEventListener('abort', kill, { once: true });
  const feeding = feed(process, archive(), maxBytes, tooLarge).catch((error: unknown) => stop.abort(error));
  let words = '';
  for await (const { data } of process.output) {
    if (words.length < MAX_WORDS_LENGTH) words += Buffer.from(data).toString();
  }
  const { cause, exitCode } = await process.ended;
  await feeding;
  ends.throwIfAborted();
  if (cause === 'exited' && exitCode === 0 && words === 'unpacked\n') return;
  if (cause === 'exited' && words !== '') {
    throw new SandboxError('SANDBOX008', `The archive for ${target} is refused: ${words.trim()}.`, { field: 'mounts' });
  }
  throw new SandboxError('SANDBOX011', `The archive for ${target} could not be unpacked.`);
}

/** Until the archive, or the process, ends. */
async function feed(
  process: SandboxProcess,
  chunks: AsyncIterable<Uint8Array>,
  maxBytes: number,
  tooLarge: SandboxError,
): Promise<void> {
  const iterator = chunks[Symbol.asyncIterator]();
  const gone = process.gone.then(() => null);
  let bytes = 0;
  try {
    for (;;) {
      const next = await Promise.race([iterator.next(), gone]);
      if (next === null || next.done === true) return;
      bytes += next.value.length;
      if (bytes > maxBytes) throw tooLarge;
      // It reads no further than the archive's end.
      await Promise.race([process.write(next.value).catch(() => gone), gone]);
    }
  } finally {
    void iterator.return?.().catch(() => undefined); // not awaited: it may wait for its own source
    await Promise.race([process.closeInput().catch(() => undefined), gone]);
  }
}
