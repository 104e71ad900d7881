#!/usr/bin/env bash
# Installs what the tests need, then runs the format check, lint, type checks, builds and all tests.
# The last line says "N passed, N failed, N skipped"; the exit code is 0 only if nothing failed.
# As root the runs that have a "test-user" target are done twice: as root, and as an ordinary user.
# Runs that need a Docker Engine get it from with-docker.sh: one for all of them, which ends with this script.
set -uo pipefail
# shellcheck source=tools/lib/setup.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib/setup.sh"
# shellcheck source=tools/lib/docker.sh
source "$repository/tools/lib/docker.sh"
cd "$repository" || exit 1

# The Python of the tests is the one at /usr/bin/python3.
# chromium: pages are looked at in it.
# busybox: the shell and tools of small images, in which files are reached by scripts.
# systemd: judges the server's unit. tini: the first process of its image. fish, zsh: complete the command line.
packages=(bubblewrap busybox-static bsdutils chromium e2fsprogs fish openssh-client openssh-server procps python3 python3-requests systemd tini util-linux zsh)
if ! { need_debian_packages "${packages[@]}" && need_node && need_node_packages; }; then
  printf '\nThe set-up failed.\n0 passed, 1 failed, 0 skipped\n'
  exit 1
fi

results=$(mktemp -d "${TMPDIR:-/tmp}/ergon-test-results.XXXXXX") || exit 1
reports=$(mktemp -d "${TMPDIR:-/tmp}/ergon-test-reports.XXXXXX") || exit 1
trap 'stop_engine; rm -rf "$results" "$reports"' EXIT
# What runs just then is asked to end, and nothing more is started.
child=
end_early() {
  complain 'Interrupted.'
  [ -z "$child" ] || { kill -TERM "$child" 2> /dev/null; outlast "$child"; }
  exit 143
}
trap end_early TERM INT HUP
chmod 1777 "$results" "$reports" # an ordinary user's run leaves its counts and reports here too
export ERGON_TEST_RESULTS=$results ERGON_TEST_REPORTS=$reports

attend() {
  "$@" < /dev/null &
  child=$!
  wait "$child"
}

failed=()
step() {
  say "$1"
  attend "${@:2}" || failed+=(--failed "$1")
}
each() { exec npx nx run-many --outputStyle=stream -t "$1"; }

step 'Format check' npx prettier --check .
step 'Lint' each lint
step 'Type check' each typecheck
step 'Build' each build

# One engine for all runs that need one, under a name that nothing but with-docker.sh knows: the others are to find none by accident.
if need_engine; then
  export ERGON_TEST_DOCKER_HOST=$DOCKER_HOST
else
  stop_engine
fi
unset DOCKER_HOST

targets=(test test-docker)
[ "$(id -u)" != 0 ] || targets+=(test-user)
runs=()
for target in "${targets[@]}"; do
  mapfile -t projects < <(npx nx show projects --with-target "$target" --sep $'\n')
  for project in "${projects[@]}"; do
    [ -n "$project" ] || continue
    say "Tests ($project:$target)"
    code=0
    # One after the other, since tests of limits and deadlines measure the machine; and one that hangs holds up no other.
    attend timeout --kill-after=30 40m npx nx run "$project:$target" --outputStyle=stream || code=$?
    runs+=("$project:$target=$code")
  done
done
[ ${#runs[@]} -gt 0 ] || failed+=(--failed 'Listing the tests')

# What providers claim and keep, as docs/ has it, is what this run found.
compare_reports() {
  local report name code=0
  for report in docs/conformance/*; do
    name=${report##*/}
    # As an ordinary user there is only that user's run; without an engine, none of Docker's.
    case $name in
      README.md) continue ;;
      docker.*) [ -n "${ERGON_TEST_DOCKER_HOST:-}" ] || continue ;;
      sandbox-exec.*) [ "$(id -u)" = 0 ] || continue ;;
      # Of hosts that this one is not: tools/vm/suite.sh and a container.
      sandbox-exec-cgroup-v2* | sandbox-exec-in-container.*) continue ;;
    esac
    diff -u "$report" "$reports/$name" || code=1
  done
  [ "$code" = 0 ] || complain 'If that is meant: ERGON_TEST_REPORTS=$PWD/docs/conformance, and run the test of conformance again.'
  return "$code"
}
step 'Reports of conformance' compare_reports

node tools/test-results/summary.mjs "${failed[@]}" -- "$results" "${runs[@]}"
