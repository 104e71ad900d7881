#!/usr/bin/env bash
# Usage: unit.sh [OPTION]...
# Installs the packed server and its systemd unit in the virtual machine of vm.sh, as its README says, and sees it work there (unit.mjs).
# It takes "npm run build" before, and some five minutes. Options are those of "node --test". The exit code is that of the tests.
set -euo pipefail
umask 022
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)

# Inside of the machine.
if [ "${1:-}" = --inside ]; then
  [ -x /usr/bin/node ] || ln -s "$(command -v node)" /usr/bin/node
  cp -r /mnt/files /opt/ergon-sandbox
  install -d -m 0700 /etc/ergon-sandbox
  (umask 077 && od -An -v -tx1 -N32 /dev/urandom | tr -d ' \n' > /etc/ergon-sandbox/token)
  install -m 0644 "/opt/ergon-sandbox/node_modules/@ergon/sandbox-api/deploy/ergon-sandbox-api.service" /etc/systemd/system/
  systemctl daemon-reload
  exec node --test "${@:2}" "$here/unit.mjs"
fi

work=$(mktemp -d "${TMPDIR:-/tmp}/ergon-packed.XXXXXX")
trap 'rm -rf "$work"' EXIT
bash "$here/../../apps/api/deploy/pack.sh" "$work/ergon-sandbox"
ERGON_VM_FILES=$work/ergon-sandbox bash "$here/../vm.sh" bash tools/vm/unit.sh --inside "$@"
