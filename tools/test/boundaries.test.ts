import { repository, succeed } from './workspace.js';

interface Arrow {
  readonly from: string;
  readonly to: string;
}

const core = 'packages/sandbox-core/src/index.ts';
const provider = 'packages/sandbox-provider-exec/src/index.ts';
const registry = 'packages/sandbox-registry/src/index.ts';
const client = 'packages/sandbox-client/src/index.ts';
const cli = 'packages/sandbox-cli/src/main.ts';
const app = 'apps/api/src/index.ts';

const wrong: Arrow[] = [
  { from: core, to: '@ergon/sandbox-provider-exec' },
  { from: core, to: '@ergon/sandbox-registry' },
  { from: core, to: '@ergon/sandbox-api' },
  { from: provider, to: '@ergon/sandbox-registry' },
  { from: provider, to: '@ergon/sandbox-api' },
  { from: registry, to: '@ergon/sandbox-provider-exec' },
  { from: registry, to: '@ergon/sandbox-api' },
  { from: client, to: '@ergon/sandbox-core' },
  { from: client, to: '@ergon/sandbox-api' },
  { from: cli, to: '@ergon/sandbox-api' },
  // Another project's files by their path, and what the core must not know.
  { from: provider, to: '../../sandbox-core/src/index.js' },
  { from: core, to: 'express' },
  { from: core, to: 'winston' },
  { from: core, to: 'tsyringe' },
  { from: core, to: 'libsql' },
];

const right: Arrow[] = [
  { from: provider, to: '@ergon/sandbox-core' },
  { from: registry, to: '@ergon/sandbox-core' },
  { from: registry, to: 'libsql' },
  { from: app, to: '@ergon/sandbox-core' },
  { from: app, to: '@ergon/sandbox-provider-exec' },
  { from: app, to: '@ergon/sandbox-registry' },
  { from: cli, to: '@ergon/sandbox-provider-exec' },
  { from: cli, to: '@ergon/sandbox-core' },
  { from: app, to: 'express' },
];

// ESLint as the workspace configures it, on a file that would hold just this import. In a process of its own: jest on Node 20
// can't load the ES module that the configuration is.
const lint = `
  import { ESLint } from 'eslint';
  const eslint = new ESLint({ cwd: ${JSON.stringify(repository)} });
  const refused = [];
  for (const { from, to } of JSON.parse(process.argv[1])) {
    const [result] = await eslint.lintText("export * from '" + to + "';\\n", { filePath: from });
    if (result.messages.some(({ ruleId }) => ruleId === '@nx/enforce-module-boundaries')) refused.push(from + ' -> ' + to);
  }
  console.log(JSON.stringify(refused));
`;

let refused: string[];

beforeAll(async () => {
  const arrows = JSON.stringify([...wrong, ...right]);
  const env = { NX_DAEMON: 'false' };
  refused = JSON.parse(await succeed('node', ['--input-type=module', '-e', lint, arrows], { env })) as string[];
});

test.each(wrong)('lint refuses $to in $from', ({ from, to }) => {
  expect(refused).toContain(`${from} -> ${to}`);
});

test.each(right)('lint allows $to in $from', ({ from, to }) => {
  expect(refused).not.toContain(`${from} -> ${to}`);
});
