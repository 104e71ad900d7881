// A test that starts, kills and drains real servers takes longer than jest's five seconds on a busy machine.
module.exports = { ...require('../../jest.preset.js'), displayName: 'api-e2e', testTimeout: 60_000 };
