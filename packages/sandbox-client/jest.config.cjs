module.exports = { ...require('../../jest.preset.js'), displayName: 'sandbox-client' };
