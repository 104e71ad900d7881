#!/usr/bin/env bash
# From a fresh clone to a running server: installs what is missing, builds, starts the API with the embedded registry and the
# example solutions, tests one of them end to end, and stays up. With --once it ends after the test.
# The server's own settings (ERGON_SANDBOX_PORT and so on) hold here too.
set -euo pipefail
# shellcheck source=tools/lib/setup.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib/setup.sh"

case "${1:-}" in
  '' | --once) ;;
  *)
    complain 'Usage: bash tools/quickstart.sh [--once]; ERGON_SANDBOX_PORT and ERGON_SANDBOX_DATA_DIR say where it is not to take the usual ones.'
    exit 2
    ;;
esac

need_node
# The sandbox itself, its disk images and namespaces, and the interpreter of the Python examples.
need_debian_packages bubblewrap e2fsprogs util-linux python3
need_node_packages

say 'Building'
cd "$repository"
npx nx run-many -t build < /dev/null

exec node tools/quickstart.mjs "$@"
