#!/usr/bin/env bash
# Usage, as root in the virtual machine: suite.sh SHAPE REPORT [PATTERN]...
# Runs the tests of the exec provider that match (its conformance, if none is named) as a server of that shape (shape.sh); a report of
# conformance gets the name sandbox-exec-REPORT in /results. The exit code is that of jest.
set -euo pipefail
shape=$1
export CI=true ERGON_TEST_SHAPE=$2 ERGON_TEST_REPORTS=/results
shift 2
[ $# -gt 0 ] || set -- test/conformance.test.ts
cd /repository/packages/sandbox-provider-exec
exec bash /repository/tools/vm/shape.sh "$shape" node /repository/node_modules/jest/bin/jest.js --runInBand "$@"
