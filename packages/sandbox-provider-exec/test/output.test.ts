import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SandboxFactory, SandboxRunner, silentLogger } from '@ergon/sandbox-core';
import type { SandboxResult } from '@ergon/sandbox-core';
import execProvider from '../src/index.js';

let dataDir: string;
let runner: SandboxRunner;
beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'output-'));
  const factory = new SandboxFactory();
  await factory.add(execProvider, {}, { logger: silentLogger, stateDir: join(dataDir, 'sandboxes') });
  const registry = {
    getSolution: (id: string) =>
      Promise.resolve({ id, name: id, version: '1', content: { code: 'echo hi', main_file: 'main.sh' } }),
    recordTestResult: () => Promise.resolve(),
  };
  runner = await SandboxRunner.start({ dataDir, registry, factory });
});
afterAll(async () => {
  await runner.close();
  await rm(dataDir, { recursive: true });
});

async function run(script: string): Promise<SandboxResult> {
  await using sandbox = await runner.open('hello');
  return await (
    await sandbox.execute({ command: ['sh', '-c', script] })
  ).result;
}

it('what a program leaves in /output is kept with its result', async () => {
  const script =
    'cd /output; mkdir d; echo x >d/f; echo y >.hidden; ln d/f h; ln -s /etc/passwd l; truncate -s 900m big';
  const { files, errors, executionId } = await run(script);
  expect(files).toEqual(['.hidden', 'big', 'd/f', 'h']);
  expect(errors).toEqual(['1 in /output were not kept: links or special files.']);
  const output = await runner.outputs(executionId ?? '');
  for await (const chunk of output.read('h')) expect(Buffer.from(chunk).toString()).toBe('x\n');
});

it('a program that leaves nothing has no files; what it leaves unreadable is told', async () => {
  expect(await run('echo hi; touch /output/x; rm /output/x')).toMatchObject({ stdout: 'hi\n', files: [], errors: [] });
  expect(await run('touch /output/x; chmod 0 /output/x; echo z >/output/y')).toMatchObject({
    files: ['y'],
    errors: ['1 in /output were not kept: they could not be read.'],
  });
});
