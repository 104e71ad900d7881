import { library } from '../../tsdown.preset.mjs';

export default library({ index: 'src/index.ts', bin: 'src/bin.ts' });
