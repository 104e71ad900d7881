#!/usr/bin/env bash
# Usage: with-registry.sh COMMAND [ARGUMENT]...
# Runs the command with ERGON_TEST_REGISTRY naming Debian's docker-registry. Where that is not installed it is taken out of its package and kept below
# ~/.cache/ergon-sandbox-test: the package itself would start a registry that serves everybody on port 5000.
set -euo pipefail
# shellcheck source=tools/lib/setup.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib/setup.sh"

[ $# -gt 0 ] || { complain 'Usage: with-registry.sh COMMAND [ARGUMENT]...'; exit 2; }

# Prints the path of a fresh folder with what is in the package.
unpack() {
  local work
  work=$(mktemp -d "$1/registry.XXXXXX")
  (cd "$work" && apt-get -q download docker-registry >&2) || return 1
  dpkg-deb -x "$work"/docker-registry_*.deb "$work"
  printf '%s\n' "$work"
}

ERGON_TEST_REGISTRY=$(command -v docker-registry || true)
if [ -z "$ERGON_TEST_REGISTRY" ]; then
  cache="${XDG_CACHE_HOME:-$HOME/.cache}/ergon-sandbox-test"
  ERGON_TEST_REGISTRY=$cache/docker-registry
  if [ ! -x "$ERGON_TEST_REGISTRY" ]; then
    mkdir -p "$cache"
    if ! work=$(unpack "$cache"); then
      complain 'apt-get could not download docker-registry, which the tests of pulling need; its message stands above. Is "apt-get update" needed?'
      rm -rf "$cache"/registry.??????
      exit 1
    fi
    mv "$work/usr/bin/docker-registry" "$ERGON_TEST_REGISTRY"
    rm -rf "$work"
  fi
fi
export ERGON_TEST_REGISTRY
exec "$@"
