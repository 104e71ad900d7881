import { application } from '../../tsdown.preset.mjs';

export default application({ index: 'src/index.ts', main: 'src/main.ts' });
