import { defineConfig } from 'tsdown';

const common = {
  platform: 'node',
  target: 'node20.19',
  sourcemap: true,
  clean: true,
  // The packages are of type module: index.js beside index.cjs.
  fixedExtension: false,
  logLevel: 'error',
  // Types of our other packages come from what they publish, as a user of this package will see them.
  tsconfig: 'tsconfig.build.json',
};

/** A publishable package: both module formats, each with its own declarations. */
export function library(entry = { index: 'src/index.ts' }) {
  return defineConfig({ ...common, entry, format: ['esm', 'cjs'], dts: true });
}

/** An application that plain node runs from its folder; what it depends on stays in node_modules. */
export function application(entry, options = {}) {
  return defineConfig({ ...common, entry, format: 'esm', dts: true, shims: true, ...options });
}
