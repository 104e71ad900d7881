import { appendFileSync, cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { publishableLibraries, repository, run, type Ended } from './workspace.js';

// A compiler, in a process of its own.

const record = (...args: string[]): Promise<Ended> => run('node', [join(repository, 'tools/api-record.mjs'), ...args]);

test.each(publishableLibraries())('the public API of $name is the one on record', async ({ folder }) => {
  expect(await record(folder)).toMatchObject({ code: 0, output: '' });
});

test('another API than that on record fails with the difference, until the record is updated', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ergon-api-'));
  try {
    for (const path of ['package.json', 'dist/index.d.ts', 'sandbox-core.api.md'])
      cpSync(join(repository, 'packages/sandbox-core', path), join(folder, path));
    symlinkSync(join(repository, 'node_modules'), join(folder, 'node_modules'));
    appendFileSync(join(folder, 'dist/index.d.ts'), '\nexport declare function more(count: number): string;\n');

    const { code, output } = await record(folder);
    expect(output).toContain(`The public API of ${folder} is not the one on record.\n`);
    expect(output).toContain('+export function more(count: number): string;\n');
    expect(output).toContain('node tools/api-record.mjs --update');
    expect(code).toBe(1);

    expect(await record('--update', folder)).toMatchObject({ code: 0 });
    expect(await record(folder)).toMatchObject({ code: 0, output: '' });
  } finally {
    rmSync(folder, { recursive: true });
  }
});
