// Runs a source in plain node: `node run-ts.cjs FILE.ts ARGUMENT…`. As jest does it: TypeScript by swc, "./name.js" is name.ts.
const { readFileSync, existsSync } = require('node:fs');
const { dirname, resolve } = require('node:path');
const Module = require('node:module');
const { transformSync } = require('@swc/core');

const resolveFilename = Module._resolveFilename;
Module._resolveFilename = function (request, parent, ...rest) {
  if (/^\.\.?\/.*\.js$/.test(request) && parent?.filename) {
    const source = resolve(dirname(parent.filename), request.replace(/\.js$/, '.ts'));
    if (existsSync(source)) return source;
  }
  const ours = /^@ergon\/([\w-]+)$/.exec(request);
  if (ours) return resolve(__dirname, '../../..', ours[1], 'src/index.ts');
  return resolveFilename.call(this, request, parent, ...rest);
};
require.extensions['.ts'] = (module, filename) => {
  const options = {
    module: { type: 'commonjs' },
    jsc: { target: 'es2022', parser: { syntax: 'typescript' } },
    filename,
    swcrc: false,
  };
  module._compile(transformSync(readFileSync(filename, 'utf8'), options).code, filename);
};
const [, , file, ...args] = process.argv;
process.argv = [process.argv[0], file, ...args];
require(resolve(file));
