import { library } from '../../tsdown.preset.mjs';

const config = library({
  index: 'src/index.ts',
  'socket-node': 'src/socket/node.ts',
  'socket-web': 'src/socket/web.ts',
});

// Which of the two WebSockets is loaded, the package's "imports" say where it is used.
export default { ...config, platform: 'neutral', external: ['#socket'] };
