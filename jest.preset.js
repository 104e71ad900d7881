// What every project's jest.config.cjs starts from: TypeScript by swc, our packages from their sources.
const { join } = require('node:path');

/** @type {import('jest').Config} */
module.exports = {
  testEnvironment: 'node',
  // A test fails by what it sees, not by a busy machine.
  testTimeout: 120_000,
  testEnvironmentOptions: { customExportConditions: ['@ergon/source', 'require', 'node', 'node-addons', 'default'] },
  testMatch: ['<rootDir>/{src,test}/**/*.test.ts'],
  moduleFileExtensions: ['ts', 'js', 'cjs', 'mjs', 'json', 'node'],
  // Sources import each other as "./name.js", as Node's resolution demands; on disk that is name.ts.
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        swcrc: false,
        sourceMaps: 'inline',
        module: { type: 'commonjs' },
        jsc: {
          target: 'es2022',
          parser: { syntax: 'typescript', decorators: true, explicitResourceManagement: true },
          transform: { legacyDecorator: true, decoratorMetadata: true },
        },
      },
    ],
  },
  modulePathIgnorePatterns: ['<rootDir>/dist/', '<rootDir>/out-tsc/'],
  // tools/test.sh sets the folder in which each run leaves its counts.
  reporters: [
    'default',
    ...(process.env.ERGON_TEST_RESULTS ? [join(__dirname, 'tools/test-results/reporter.cjs')] : []),
  ],
};
