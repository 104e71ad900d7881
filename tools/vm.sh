#!/usr/bin/env bash
# Usage: vm.sh COMMAND [ARGUMENT]...
# Runs the command as root in a virtual machine made for it: Debian with systemd and cgroup v2, with a copy of this repository at /repository,
# the command's working folder. Its output and exit code are those of the command; what it left below /results lies in ERGON_VM_RESULTS, if that
# names a folder; what ERGON_VM_FILES holds, if that names one, is at /mnt/files. In it are the variables CI and ERGON_TEST_*. ERGON_VM_SECONDS (1800)
# later it is ended with exit code 124.
# ERGON_VM_DEBIAN is the release of Debian (bookworm), ERGON_VM_KERNEL that of its kernel, if another.
# The processor is emulated, which takes no rights and some ten times as long. Making the machine's disk needs root and two minutes, once: it
# is kept below ~/.cache/ergon-sandbox-test. Nothing else is left.
set -euo pipefail
umask 022
# shellcheck source=tools/lib/setup.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib/setup.sh"
# shellcheck source=tools/lib/copy.sh
source "$repository/tools/lib/copy.sh"

[ $# -gt 0 ] || { complain 'Usage: vm.sh COMMAND [ARGUMENT]...'; exit 2; }
[ "$(uname -m)" = x86_64 ] || { complain "The virtual machine is made for x86-64; this is $(uname -m)."; exit 1; }
release=${ERGON_VM_DEBIAN:-bookworm}
kernel=${ERGON_VM_KERNEL:-$release}
cache="${XDG_CACHE_HOME:-$HOME/.cache}/ergon-sandbox-test"
machine="$cache/vm-$release-$kernel"
node=$(node -p process.execPath)
recipe=$(cat "$repository/tools/vm/make.sh" "$node" | sha256sum | cut -c 1-16)
need_debian_packages debootstrap e2fsprogs qemu-system-x86 util-linux

mkdir -p "$cache"
exec 9> "$cache/vm.lock"
flock 9 # two at once would make the same thing
if [ "$(cat "$machine/recipe" 2> /dev/null)" != "$recipe" ]; then
  [ "$(id -u)" = 0 ] || { complain 'Making the disk of the virtual machine needs root: run this once with sudo.'; exit 1; }
  say "Making a virtual machine of Debian's packages (once; a few minutes)" >&2
  bash "$repository/tools/vm/make.sh" "$release" "$kernel" "$node" "$machine" >&2
  echo "$recipe" > "$machine/recipe"
fi
exec 9>&-

work=$(mktemp -d /var/tmp/ergon-vm.XXXXXX) # on a disk, where a temporary folder may be memory
qemu=
finish() {
  [ -z "$qemu" ] || { kill -KILL "$qemu" 2> /dev/null && wait "$qemu" 2> /dev/null; } || true
  rm -rf "$work"
}
trap finish EXIT
trap 'exit 143' TERM INT HUP

mkdir "$work/tree"
pack_repository | tar -x -C "$work/tree"
[ -z "${ERGON_VM_FILES:-}" ] || cp -r "$ERGON_VM_FILES" "$work/tree/files"
{
  while IFS='=' read -r -d '' name value; do
    case $name in CI | ERGON_TEST_*) printf 'export %s=%q\n' "$name" "$value" ;; esac
  done < <(env -0)
  printf '%q ' "$@"
  echo
} > "$work/tree/command.sh"
megabytes=$(($(du -sm --apparent-size "$work/tree" | cut -f 1) * 3 / 2 + 256))
truncate -s "${megabytes}M" "$work/repository.img"
mkfs.ext4 -q -F -m 0 -E root_owner=0:0 -d "$work/tree" "$work/repository.img"
truncate -s 64M "$work/results.img"

mkfifo "$work/output"
cat "$work/output" &
disk() { echo "if=virtio,format=raw,file=$1"; }
qemu-system-x86_64 -nographic -nodefaults -no-reboot \
  -accel tcg,thread=multi -cpu Nehalem -smp 2 -m 2048 \
  -kernel "$machine/vmlinuz" -initrd "$machine/initrd" -append 'root=/dev/vda rw console=ttyS0 quiet panic=-1 no_timer_check' \
  -drive "$(disk "$machine/root.img"),snapshot=on" -drive "$(disk "$work/repository.img")" -drive "$(disk "$work/results.img")" \
  -device virtio-serial -chardev "file,id=output,path=$work/output" -device virtserialport,chardev=output \
  -serial "file:$work/console.log" < /dev/null > "$work/qemu.log" 2>&1 &
qemu=$!
deadline=$((SECONDS + ${ERGON_VM_SECONDS:-1800}))
while kill -0 "$qemu" 2> /dev/null && [ "$SECONDS" -lt "$deadline" ]; do sleep 0.2; done
late=false
if kill -KILL "$qemu" 2> /dev/null; then late=true; fi
wait "$qemu" 2> /dev/null || true
qemu=
mkdir "$work/results"
if ! tar -x -C "$work/results" -f "$work/results.img" 2> /dev/null || [ ! -e "$work/results/exit-code" ]; then
  cat "$work/qemu.log" >&2
  tail -n 30 "$work/console.log" >&2 || true
  complain 'The virtual machine did not come to the end of the command; the end of its console stands above.'
  ! "$late" || exit 124
  exit 1
fi
[ -z "${ERGON_VM_RESULTS:-}" ] || cp -r "$work/results/files/." "$ERGON_VM_RESULTS"
exit "$(cat "$work/results/exit-code")"
