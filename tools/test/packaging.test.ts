import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { bin, publishableLibraries, repository, run, succeed } from './workspace.js';

// Compilers and npm, each in a process of its own, on a machine that may be busy.

const libraries = publishableLibraries();
const names = libraries.map(({ name }) => name);

// Packs every library and installs the tarballs together in a folder that knows nothing of this repository.
let folder: string;
const tarballs = new Map<string, string>();

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ergon-packaging-'));
  for (const library of libraries) {
    const target = join(folder, 'tarballs', library.name);
    mkdirSync(target, { recursive: true });
    await succeed('npm', ['pack', '--pack-destination', target], { cwd: library.folder });
    const [tarball] = readdirSync(target);
    if (tarball === undefined) throw new Error(`npm pack made no tarball of ${library.name}`);
    tarballs.set(library.name, join(target, tarball));
  }
  write('package.json', '{ "name": "consumer", "private": true }');
  await succeed('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', ...tarballs.values()], {
    cwd: folder,
  });
}, 180_000);

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

test('there are libraries to publish', () => {
  expect(names).toContain('@ergon/sandbox-core');
});

describe.each(libraries)('$name', ({ name }) => {
  test('its package holds README, LICENSE and both formats, and no tests', async () => {
    const files = (await succeed('tar', ['-tzf', tarball(name)])).trim().split('\n');
    const wanted = ['README.md', 'LICENSE', 'dist/index.js', 'dist/index.cjs', 'dist/index.d.ts', 'dist/index.d.cts'];
    expect(files).toEqual(expect.arrayContaining(wanted.map((file) => `package/${file}`)));
    expect(files.filter((file) => /\.test\.|\/test\/|tsconfig|jest\.config/.test(file))).toEqual([]);
  });

  test('import and require give the same named exports', async () => {
    const list = 'console.log(JSON.stringify(Object.keys(loaded).filter((key) => key !== "module.exports").sort()))';
    write('load.mjs', `import * as loaded from '${name}';\n${list};\n`);
    write('load.cjs', `const loaded = require('${name}');\n${list};\n`);
    const imported = await succeed('node', ['load.mjs'], { cwd: folder });
    const required = await succeed('node', ['load.cjs'], { cwd: folder });
    expect(imported).toBe(required);
    expect((JSON.parse(imported) as string[]).length).toBeGreaterThan(0);
  });

  test('publint finds nothing', async () => {
    expect(await succeed(bin('publint'), ['run', '--strict', tarball(name)])).toContain('All good!');
  });

  test('arethetypeswrong finds nothing', async () => {
    const report = await run(bin('attw'), ['--no-definitely-typed', '--no-color', '--no-emoji', tarball(name)]);
    expect(report.output).toContain('No problems found');
    expect(report.code).toBe(0);
  });
});

test('jest loads all of them without any configuration', async () => {
  const lines = names.map(
    (name) => `test('${name}', () => { expect(Object.keys(require('${name}'))).not.toEqual([]); });`,
  );
  write('load.test.js', lines.join('\n'));
  const { code, output } = await run(bin('jest'), [], { cwd: folder });
  expect(output).toContain(`Tests:       ${names.length} passed`);
  expect(code).toBe(0);
});

describe('a consumer in strict TypeScript', () => {
  // The kind of a .mts or .cts file is fixed; a .ts file's follows package.json, here CommonJS.
  const consumers = [
    { module: 'node16', file: 'esm.mts' },
    { module: 'node16', file: 'cjs.cts' },
    { module: 'nodenext', file: 'esm.mts' },
    { module: 'nodenext', file: 'cjs.cts' },
    { module: 'esnext', moduleResolution: 'bundler', file: 'bundled.ts' },
  ];

  beforeAll(() => {
    // Types of Node, which the consumer would install by itself; those of the workspace will do.
    for (const name of ['@types/node', 'undici-types']) {
      mkdirSync(dirname(join(folder, 'node_modules', name)), { recursive: true });
      cpSync(join(repository, 'node_modules', name), join(folder, 'node_modules', name), { recursive: true });
    }
  });

  test.each(consumers)(
    'compiles under module $module: $file',
    async ({ file, ...options }) => {
      // Fails to compile where the package's types can't be found (any) or lack an export that it has at run time.
      const exported = await Promise.all(names.map(exportsOf));
      const source = names.map((name, index) => {
        const uses = (exported[index] ?? []).map((key) => `typed(all${index}.${key});`).join(' ');
        return `import * as all${index} from '${name}';\n${uses}`;
      });
      write(file, `function typed<T>(_value: 0 extends 1 & T ? never : T): void {}\n${source.join('\n')}\n`);
      const compilerOptions = {
        strict: true,
        noEmit: true,
        target: 'es2022',
        lib: ['es2023', 'esnext.disposable'],
        types: ['node'],
        ...options,
      };
      write('tsconfig.json', JSON.stringify({ compilerOptions, files: [file] }));
      expect(await run(bin('tsc'), ['-p', 'tsconfig.json'], { cwd: folder })).toMatchObject({ code: 0, output: '' });
    },
    60_000,
  );
});

async function exportsOf(name: string): Promise<string[]> {
  const script = `console.log(JSON.stringify(Object.keys(require('${name}'))))`;
  return JSON.parse(await succeed('node', ['-e', script], { cwd: folder })) as string[];
}

function tarball(name: string): string {
  const found = tarballs.get(name);
  if (found === undefined) throw new Error(`${name} was not packed`);
  return found;
}

function write(file: string, text: string): void {
  writeFileSync(join(folder, file), text);
}
