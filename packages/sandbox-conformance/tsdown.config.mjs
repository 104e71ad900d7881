import { library } from '../../tsdown.preset.mjs';

export default library();
