#!/usr/bin/env bash
# Usage: apparmor.sh [PATTERN]...
# Sees in a virtual machine of Debian 13, whose AppArmor can forbid user namespaces as Ubuntu's does, what a server says where it forbids them to
# bubblewrap, and that sandboxes work with the profile that the server names: the tests of suite.sh (PATTERN) pass. What is not seen is Ubuntu's
# switch for all programs at once, kernel.apparmor_restrict_unprivileged_userns: the kernel there (6.12) has none. The exit code is that of the tests.
set -euo pipefail
umask 022
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)

# Inside of the machine: what a server finds there, as root and as an ordinary user, in a line of JSON each.
probes() {
  local server=/repository/packages/sandbox-provider-exec/test/support
  node "$server/run-ts.cjs" "$server/probe-server.ts" "$@"
  setpriv --reuid=guest --regid=guest --init-groups env HOME=/home/guest node "$server/run-ts.cjs" "$server/probe-server.ts" "$@"
}
holds_twice() {
  local found
  found=$(grep -c -F -e "$1" <<< "$2") || true
  [ "$found" = 2 ] && { echo "passed: $1"; return; }
  printf 'Expected of both servers: %s\nSeen: %s\n' "$1" "$2" >&2
  exit 1
}
if [ "${1:-}" = --inside ]; then
  [ ! -e /proc/sys/kernel/apparmor_restrict_unprivileged_userns ] || echo "Ubuntu's switch is here: $(cat /proc/sys/kernel/apparmor_restrict_unprivileged_userns)"
  apparmor_parser -r <(echo 'abi <abi/4.0>, profile bwrap /usr/bin/bwrap { allow all, deny userns, }')
  holds_twice 'A security module, such as AppArmor, forbids user namespaces to bubblewrap here (Creating new namespace failed: Permission denied)' "$(probes)"
  apparmor_parser -r /mnt/files/bwrap-userns-restrict
  holds_twice '"stdout":"bwrap//&unpriv_bwrap (enforce)\n"' "$(probes 'cat /proc/self/attr/current')"
  exec bash "$here/suite.sh" root apparmor "${@:2}"
fi

# shellcheck source=tools/lib/setup.sh
source "$here/../lib/setup.sh"
work=$(mktemp -d "${TMPDIR:-/tmp}/ergon-apparmor.XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir -p "$work"/{files,lists/partial,cache/archives/partial}
mirror=$(apt-get indextargets --format '$(REPO_URI) $(ORIGIN)' 'Created-By: Packages' | awk '$2 == "Debian" && $1 ~ /\/debian\/$/ { print $1; exit }')
echo "deb ${mirror:-http://deb.debian.org/debian/} trixie main" > "$work/sources.list"
apt=(apt-get -q -o "Dir::Etc::SourceList=$work/sources.list" -o Dir::Etc::SourceParts=/dev/null -o "Dir::State::Lists=$work/lists" -o "Dir::Cache=$work/cache" -o APT::Sandbox::User=root)
cd "$work"
if ! { "${apt[@]}" update && "${apt[@]}" download apparmor-profiles; } > "$work/log" 2>&1; then
  cat "$work/log" >&2
  exit 1
fi
dpkg-deb --fsys-tarfile "$work"/apparmor-profiles_*.deb | tar -xO ./usr/share/apparmor/extra-profiles/bwrap-userns-restrict > "$work/files/bwrap-userns-restrict"
export ERGON_VM_DEBIAN=trixie ERGON_VM_KERNEL=trixie ERGON_VM_FILES=$work/files
bash "$here/../vm.sh" bash tools/vm/apparmor.sh --inside "$@"
