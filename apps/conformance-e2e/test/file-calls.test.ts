import { posix } from 'node:path';
import { SandboxError } from '@ergon/sandbox-core';
import type { SandboxFiles } from '@ergon/sandbox-core';
import { SandboxExecProvider } from '@ergon/sandbox-provider-exec';
import { browses } from './support/browses.js';
import { provesThatTheSuiteCatches } from './support/caught.js';

class HasNoFiles extends SandboxExecProvider {
  override files(): SandboxFiles {
    throw new SandboxError('SANDBOX009', 'Calls to files are not there yet.');
  }
}

/** Reads a file by a command in the sandbox, which is ended after two seconds. */
class ReadsByCat extends SandboxExecProvider {
  override files(sandboxId: string): SandboxFiles {
    return { ...super.files(sandboxId), read: (path) => this.#cat(sandboxId, path) };
  }

  async *#cat(sandboxId: string, path: string): AsyncGenerator<Uint8Array, void, undefined> {
    const options = { timeoutMs: 2000, killGraceMs: 100 };
    for await (const { data } of super.execute(sandboxId, ['cat', path], options)) yield data;
  }
}

async function* asFarAsItGoes(data: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* data;
  } catch {
    return;
  }
}

async function* decoded(data: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const each of data) yield Buffer.from(Buffer.from(each).toString());
}

const shown = /what a program wrote is listed, told and read/;
const empty = { entries: [], truncated: false };

provesThatTheSuiteCatches([
  {
    that: 'claims files and has no calls to them',
    create: (ports) => new HasNoFiles(ports),
    caughtBy: shown,
    message: /files\(\) does not fail[^]*SANDBOX009: Calls to files are not there yet/,
  },
  {
    that: 'follows links when it reads',
    create: (ports) => new ReadsByCat(ports),
    caughtBy: /links that a program planted are never followed/,
    message: /A link is refused with SANDBOX008 at every step of a path/,
  },
  {
    that: 'opens FIFOs',
    create: (ports) => new ReadsByCat(ports),
    caughtBy: /FIFOs and devices are refused and never opened/,
    message: /What is no regular file is refused at once/,
  },
  {
    that: 'shows a failure as an empty folder',
    create: browses((files) => ({ list: (path, options) => files.list(path, options).catch(() => empty) })),
    caughtBy: /FIFOs and devices are refused and never opened/,
    message: /A file is not listed/,
  },
  {
    that: 'takes odd paths for others',
    create: browses((files) => ({ stat: (path, options) => files.stat(posix.normalize(path), options) })),
    caughtBy: /a path that is not below \/workspace or \/output/,
    message: /A path is refused unless it is \/workspace or \/output and plain names below/,
  },
  {
    that: 'cuts a listing off without a word',
    create: browses((files) => ({
      list: async (path, options) => ({ ...(await files.list(path, options)), truncated: false }),
    })),
    caughtBy: /a long listing is cut where it was asked for/,
    message: /says when there are more/,
  },
  {
    that: 'tells times in seconds',
    create: browses((files) => ({
      stat: async (path, options) => {
        const entry = await files.stat(path, options);
        return { ...entry, modifiedMs: entry.modifiedMs / 1000 };
      },
    })),
    caughtBy: shown,
    message: /modifiedMs is in milliseconds since 1970/,
  },
  {
    that: 'writes files without their modes',
    create: browses((files) => ({ write: (path, data) => files.write(path, data) })),
    caughtBy: shown,
    message: /makes or replaces a file, with its mode/,
  },
  {
    that: 'writes half of a file whose source failed',
    create: browses((files) => ({ write: (path, data, options) => files.write(path, asFarAsItGoes(data), options) })),
    caughtBy: /a write that is cancelled, or whose source fails/,
    message: /write\(\) replaces a file whole or not at all/,
  },
  {
    that: 'decodes what it reads',
    create: browses((files) => ({ read: (path, options) => decoded(files.read(path, options)) })),
    caughtBy: /ranges, binary content and a large file/,
    message: /A file comes back as it was written/,
  },
  {
    that: 'reads a file whole, whatever range was asked for',
    create: browses((files) => ({ read: (path) => files.read(path) })),
    caughtBy: /ranges, binary content and a large file/,
    message: /gives `length` bytes from `offset`/,
  },
  {
    that: 'lists nothing of a sandbox that is gone',
    create: browses((files) => ({ list: (path, options) => files.list(path, options).catch(() => empty) })),
    caughtBy: /of a sandbox that is gone or unknown they are refused/,
    message: /Calls to the files of a sandbox that is gone are refused with SANDBOX006/,
  },
]);
