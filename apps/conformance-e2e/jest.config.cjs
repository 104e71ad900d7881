module.exports = { ...require('../../jest.preset.js'), displayName: 'conformance-e2e' };
