// Its tests wait more than they compute: for deadlines, graces, what hangs.
module.exports = { ...require('../../jest.preset.js'), displayName: 'conformance-e2e', maxWorkers: 3 };
