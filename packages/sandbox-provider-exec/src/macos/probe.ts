import { constants } from 'node:fs';
import { access, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { availableParallelism, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import type { Unusable } from '../posix/unusable.js';
import { runCommand, type CommandOptions, type CommandResult } from '../posix/command.js';
import { ownSearch } from '../posix/runtimes.js';
import { overOwnFolders, ownFolders } from './confined.js';
import type { MacMachine } from './machine.js';
import { realPath } from './paths.js';
import { findMacRuntimes, type MacRuntimes } from './runtimes.js';
import { judgeSelfTest, selfTestScript, startedLanguages } from './self-test.js';
import { macTools, type MacTools } from './tools.js';

export type MacFound = { readonly machine: MacMachine } | { readonly unusable: Unusable };

/** Finds out whether sandboxes work here: by the tools' presence, and by trying to break out of one. @throws what the signal says */
export async function probeMacos(
  signal?: AbortSignal,
  tools: MacTools = macTools,
  uid = process.getuid?.(),
): Promise<MacFound> {
  const options = signal ? { signal } : {};
  if (uid === 0) {
    return unusable(
      'On macOS this provider has no user of its own for a program, and never runs one as root.',
      'Run the server as an ordinary user.',
    );
  }
  for (const tool of [tools.sandboxExec, tools.shell, tools.ps[0]]) {
    if (await isTool(tool)) continue;
    return unusable(`${tool} is missing on this machine.`, 'Use the docker provider.');
  }
  const trivial = ['-p', '(version 1)(allow default)', '/usr/bin/true'];
  const { code, stderr } = await runCommand(tools.sandboxExec, trivial, options);
  if (code !== 0) return { unusable: explainMacFailure(stderr) };
  const runtimes = findMacRuntimes(ownSearch(false));
  const { stdout, stderr: said } = await selfTest(tools, runtimes, options);
  const failure = judgeSelfTest(stdout, said);
  if (failure !== null) return { unusable: failure };
  const [versionFile, ...versionArgs] = tools.version;
  return {
    machine: {
      tools,
      version: (await runCommand(versionFile, versionArgs, options)).stdout.trim(),
      runtimes,
      languages: ['shell', ...startedLanguages(stdout)],
      cpus: availableParallelism(),
      memoryBytes: totalmem(),
    },
  };
}

function unusable(reason: string, fix: string): MacFound {
  return { unusable: { reason, fix } };
}

/** What sandbox-exec printed when not even a profile that allows everything could be put in place. */
export function explainMacFailure(message: string): Unusable {
  const said = message.trim() || 'it ended without a message';
  if (said.includes('sandbox_apply: Operation not permitted')) {
    return {
      reason: 'This server is itself in a sandbox, and macOS lets nobody make one in another.',
      fix: 'Start it from an ordinary terminal or by launchd, not from an application that sandboxes what it starts.',
    };
  }
  return { reason: `sandbox-exec does not work here: ${said.slice(0, 500)}.`, fix: 'Use the docker provider.' };
}

async function selfTest(tools: MacTools, runtimes: MacRuntimes, options: CommandOptions): Promise<CommandResult> {
  const outside = realPath(await mkdtemp(join(tmpdir(), 'ergon-sandbox-probe-')));
  const folder = join(outside, 'box');
  const file = join(outside, 'file');
  const server = createServer((socket) => socket.destroy());
  try {
    await writeFile(file, 'word');
    for (const own of Object.values(ownFolders(folder))) await mkdir(own, { recursive: true });
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const script = selfTestScript({ file, pid: process.pid, port }, runtimes.commands);
    const { folders, executables, links } = runtimes;
    return await overOwnFolders(tools, folder, script, {
      ...options,
      runtimes: { runtimes: folders, executables, links },
    });
  } finally {
    server.close();
    await rm(outside, { recursive: true, force: true });
  }
}

function isTool(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
