#!/usr/bin/env bash
# Usage: in-container.sh COMMAND [ARGUMENT]...
# Runs the command as an ordinary user in a container that has no privileges but those the exec provider asks for, on the engine of DOCKER_HOST
# (with-docker.sh), with a copy of this repository at /repository, the command's working folder. Its output and exit code are those of the command;
# what it left below /results lies in ERGON_CONTAINER_RESULTS, if that names a folder; in it are the variables CI and ERGON_TEST_*. Nothing else is left.
set -euo pipefail
umask 022
# shellcheck source=tools/lib/setup.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib/setup.sh"
# shellcheck source=tools/lib/copy.sh
source "$repository/tools/lib/copy.sh"

[ $# -gt 0 ] || { complain 'Usage: in-container.sh COMMAND [ARGUMENT]...'; exit 2; }
need_debian_packages bubblewrap
kept=()
while IFS='=' read -r -d '' name value; do
  case $name in CI | ERGON_TEST_*) kept+=(--env "$name=$value") ;; esac
done < <(env -0)

# The options are those of the provider's README. bash, as the first process, waits for what the others leave.
container=$(docker create --user 1000:1000 --network none \
  --security-opt seccomp=unconfined --security-opt apparmor=unconfined --security-opt systempaths=unconfined \
  --workdir /repository --env HOME=/home/tester --env LANG=C.UTF-8 "${kept[@]}" \
  ergon-test/debian:1 bash -c '"$@"; exit' bash "$@")
trap 'docker rm --force --volumes "$container" > /dev/null' EXIT
trap 'exit 143' TERM INT HUP

into_container() { docker cp - "$container:/"; }
# The image is of this machine's own release of Debian: what runs here runs there.
tar -c --dereference --owner=0 --group=0 -C / usr/bin/bwrap | into_container
pack_repository --owner=0 --group=0 | into_container
work=$(mktemp -d)
mkdir -p "$work/home/tester" "$work/results"
tar -c --owner=1000 --group=1000 -C "$work" home/tester results | into_container
rm -r "$work"

code=0
docker start --attach "$container" || code=$?
[ -z "${ERGON_CONTAINER_RESULTS:-}" ] || docker cp "$container:/results/." "$ERGON_CONTAINER_RESULTS"
exit "$code"
