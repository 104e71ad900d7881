import { connect, resolveEndpoint } from '../../src/connect/index.js';
import { labelsOf } from '../../src/names.js';
import { openNetwork } from '../../src/network/index.js';

// A server that opened a network and now only lives: `node run-ts.cjs network-owner.ts INSTANCE SANDBOX IMAGE`.
const [, , instanceId = '', sandboxId = '', image = ''] = process.argv;
const labels = labelsOf({ instanceId, sandboxId, ownerId: 'o' }, 'network');
void openNetwork(connect(resolveEndpoint()), { sandboxId, labels, image, hostAddresses: [], securityOpt: [] }).then(
  ({ networkMode }) => {
    console.log(networkMode);
    setInterval(() => undefined, 1000);
  },
);
