import eslint from '@eslint/js';
import nx from '@nx/eslint-plugin';
import prettier from 'eslint-config-prettier';
import globals from 'globals';
import tseslint from 'typescript-eslint';

// Arrows between projects point one way; a project's tags stand in its package.json under "nx".
const boundaries = [
  {
    sourceTag: 'scope:core',
    onlyDependOnLibsWithTags: ['scope:core'],
    bannedExternalImports: ['express', 'ws', 'tsyringe', 'winston', 'libsql', 'dockerode'],
  },
  { sourceTag: 'scope:seccomp', onlyDependOnLibsWithTags: ['scope:seccomp'] },
  { sourceTag: 'scope:conformance', onlyDependOnLibsWithTags: ['scope:core'] },
  { sourceTag: 'scope:provider', onlyDependOnLibsWithTags: ['scope:core', 'scope:seccomp', 'scope:conformance'] },
  { sourceTag: 'scope:registry', onlyDependOnLibsWithTags: ['scope:core'] },
  { sourceTag: 'scope:client', onlyDependOnLibsWithTags: ['scope:client'] },
  {
    sourceTag: 'scope:cli',
    onlyDependOnLibsWithTags: ['scope:core', 'scope:provider', 'scope:registry', 'scope:client'],
  },
  { sourceTag: 'scope:app', onlyDependOnLibsWithTags: ['*'] },
  { sourceTag: 'scope:tools', onlyDependOnLibsWithTags: ['*'] },
];

export default tseslint.config(
  { ignores: ['**/dist/', '**/out-tsc/', '**/coverage/', '**/node_modules/', '.nx/', 'examples/'] },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  eslint.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/explicit-module-boundary-types': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      // `${number}` reads well and cannot surprise; objects in templates stay errors.
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      // A port or hook may be async by its contract and have nothing to wait for in one implementation.
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', caughtErrors: 'all' }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      // A field that another method changes while this one awaits keeps its narrowed type: the rule is wrong there.
      '@typescript-eslint/no-unnecessary-condition': 'off',
      '@typescript-eslint/no-empty-function': ['error', { allow: ['methods', 'arrowFunctions'] }],
    },
  },
  {
    files: ['apps/api/**/*.ts'],
    rules: {
      // Classes that a container builds may have nothing but a decorated constructor.
      '@typescript-eslint/no-extraneous-class': ['error', { allowWithDecorator: true }],
    },
  },
  {
    files: ['**/*.{js,cjs}'],
    languageOptions: { sourceType: 'commonjs', globals: globals.node },
  },
  {
    files: ['**/*.mjs'],
    languageOptions: { globals: globals.node },
  },
  {
    files: ['{packages,apps}/*/{src,test}/**/*.ts', 'tools/**/*.ts'],
    plugins: { '@nx': nx },
    rules: {
      '@nx/enforce-module-boundaries': [
        'error',
        { enforceBuildableLibDependency: true, allow: [], depConstraints: boundaries },
      ],
    },
  },
  prettier,
);
