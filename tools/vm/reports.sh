#!/usr/bin/env bash
# Usage: reports.sh [SHAPE]...
# Writes into docs/conformance what the exec provider keeps on hosts with cgroup v2, for servers of these shapes (shape.sh; five of them, if none is
# named). Each takes some ten minutes in a virtual machine of its own, on a machine that does nothing else.
# The exit code is 1 if a promise was broken; its report is written all the same.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
[ $# -gt 0 ] || set -- root user-delegated user-session user-service user
export ERGON_VM_RESULTS=$here/../../docs/conformance

code=0
for shape in "$@"; do
  report=cgroup-v2-$shape
  [ "$shape" != root ] || report=cgroup-v2
  bash "$here/../vm.sh" bash tools/vm/suite.sh "$shape" "$report" || code=1
done
exit "$code"
