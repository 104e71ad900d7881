// Not UTC, so that a time read in the machine's zone is seen.
process.env.TZ = 'Asia/Kolkata';

module.exports = { ...require('../../jest.preset.js'), displayName: 'sandbox-registry' };
