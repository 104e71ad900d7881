import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { application } from '../../tsdown.preset.mjs';

const swagger = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));
const page = ['index.html', 'start.js'].map((name) => join('reference', name));
const assets = ['swagger-ui.css', 'swagger-ui-bundle.js', 'swagger-ui-bundle.js.LICENSE.txt'].map((name) =>
  join(swagger, name),
);

export default application(
  { index: 'src/index.ts', main: 'src/main.ts' },
  { copy: [...page, ...assets].map((from) => ({ from, to: 'dist/reference' })) },
);
