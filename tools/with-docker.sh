#!/usr/bin/env bash
# Usage: with-docker.sh COMMAND [ARGUMENT]...
# Runs the command with DOCKER_HOST naming a Docker Engine that has the images of the tests (test-images.sh): that of DOCKER_HOST or of this machine
# if it answers, else one that root starts for this command only and of which nothing is left afterwards. The exit code is the command's.
# Where there can be no engine this fails if CI is set; else it says what was not run, which tools/test.sh counts as skipped.
set -euo pipefail
# shellcheck source=tools/lib/setup.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib/setup.sh"
# shellcheck source=tools/lib/docker.sh
source "$repository/tools/lib/docker.sh"

[ $# -gt 0 ] || { complain 'Usage: with-docker.sh COMMAND [ARGUMENT]...'; exit 2; }

child=
trap stop_engine EXIT
trap 'if [ -n "$child" ]; then kill -TERM "$child" 2> /dev/null || true; else exit 143; fi' TERM INT HUP

if ! need_engine; then
  [ -z "${ERGON_TEST_DOCKER_HOST:-}" ] || exit 1
  if [ "${CI:-false}" != false ]; then
    complain "There is no Docker Engine, and in CI (CI=$CI) that is a failure. Not run: $*"
    exit 1
  fi
  complain "NOT RUN, for want of a Docker Engine: $* (in $PWD). Give it one by DOCKER_HOST, or run it as root on Debian or Ubuntu."
  [ -z "${ERGON_TEST_RESULTS:-}" ] || node "$repository/tools/test-results/not-run.mjs" 'there is no Docker Engine'
  exit 0
fi

"$@" <&0 &
child=$!
code=0
outlast "$child" || code=$?
exit "$code"
