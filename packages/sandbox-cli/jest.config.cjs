module.exports = { ...require('../../jest.preset.js'), displayName: 'sandbox-cli' };
