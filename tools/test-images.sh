#!/usr/bin/env bash
# Usage: test-images.sh
# Gives the engine that DOCKER_HOST (or Docker's own default) names the images of the tests, without a registry:
#   ergon-test/busybox:1  BusyBox, statically linked, with all its applets in /bin
#   ergon-test/debian:1   a small Debian with sh, bash, Python, this machine's Node, and the usual command-line tools
# An image that is there and was made by this same recipe stays. Making them needs root; the Debian tree is kept as a tar archive below
# ~/.cache/ergon-sandbox-test, so that the next engine has it in seconds.
set -euo pipefail
umask 022 # ordinary users read what is in the images
# shellcheck source=tools/lib/setup.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib/setup.sh"

packages=bash,coreutils,findutils,iproute2,netcat-openbsd,procps,python3,tar,util-linux
path=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
cache="${XDG_CACHE_HOME:-$HOME/.cache}/ergon-sandbox-test"
node=$(node -p process.execPath)
recipe=$(cat "${BASH_SOURCE[0]}" "$node" | sha256sum | cut -c 1-16)

has() {
  [ "$(docker image inspect --format '{{index .Config.Labels "ergon-test.recipe"}}' "$1" 2> /dev/null)" = "$recipe" ]
}

# The tar archive on stdin becomes the image.
import() {
  docker import --change "LABEL ergon-test.recipe=$recipe" --change "ENV PATH=$path" --change 'CMD ["/bin/sh"]' - "$1" > /dev/null
}

# Prints where this machine's own apt gets its distribution's release from, and the release's name.
mirror() {
  local ID VERSION_CODENAME
  # shellcheck source=/dev/null
  source /etc/os-release
  # shellcheck disable=SC2016
  apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(CODENAME) $(ORIGIN)' 'Created-By: Packages' |
    awk -v codename="$VERSION_CODENAME" -v origin="$ID" '
      !found && ($2 == codename || $3 == codename) && tolower($4) == origin { print $1, codename; found = 1 }
      END { exit !found }'
}

busybox_tree() {
  local tree=$1 applet
  mkdir -p "$tree"/{bin,dev,etc,proc,root,sys}
  mkdir -m 1777 "$tree/tmp"
  echo 'root:x:0:0:root:/root:/bin/sh' > "$tree/etc/passwd"
  echo 'root:x:0:' > "$tree/etc/group"
  cp -L "$(command -v busybox)" "$tree/bin/busybox"
  for applet in $("$tree/bin/busybox" --list); do
    [ -e "$tree/bin/$applet" ] || ln -s busybox "$tree/bin/$applet"
  done
}

debian_tree() {
  local tree=$1 from uri suite library
  from=$(mirror) || { complain "apt does not say where this machine's own release comes from, which ergon-test/debian:1 is built from. Is \"apt-get update\" needed?"; return 1; }
  read -r uri suite <<< "$from"
  # In a mount namespace of its own, so that an interrupted debootstrap leaves no mount.
  if ! unshare --mount debootstrap --variant=minbase --include="$packages" "$suite" "$tree" "$uri" > "$tree.log" 2>&1; then
    tail -n 20 "$tree.log" >&2
    complain 'debootstrap failed; the end of its log stands above.'
    return 1
  fi
  rm -rf "$tree"/var/{cache/apt,lib/apt/lists,log}/* "$tree"/usr/share/{doc,info,locale,man}/*
  install -m 0755 "$node" "$tree/usr/local/bin/node"
  for library in $(ldd "$node" | awk '$3 ~ "^/" { print $3 }'); do
    chroot "$tree" test -e "$library" || install -D -m 0644 "$library" "$tree$library"
  done
  chroot "$tree" node --version > /dev/null
}

if has ergon-test/busybox:1 && has ergon-test/debian:1; then exit 0; fi
docker version > /dev/null || { complain "No Docker Engine answers at ${DOCKER_HOST:-its default socket}."; exit 1; }
if [ "$(id -u)" != 0 ]; then
  complain "The images of the tests are missing, and root is needed to make them. Run once: sudo DOCKER_HOST=${DOCKER_HOST:-unix:///var/run/docker.sock} bash tools/test-images.sh"
  exit 1
fi
need_debian_packages busybox-static debootstrap util-linux

mkdir -p "$cache"
exec 9> "$cache/lock"
flock 9 # two at once would build the same thing
work=$(mktemp -d "$cache/work.XXXXXX")
trap 'rm -rf --one-file-system "$work"' EXIT

if ! has ergon-test/busybox:1; then
  busybox_tree "$work/busybox"
  tar -c --numeric-owner -C "$work/busybox" . | import ergon-test/busybox:1
fi
if ! has ergon-test/debian:1; then
  archive="$cache/debian-$recipe.tar"
  if [ ! -e "$archive" ]; then
    say 'Building a Debian tree for the tests (once; a few minutes)'
    debian_tree "$work/debian"
    rm -f "$cache"/debian-*.tar
    tar -c --numeric-owner -C "$work/debian" -f "$work/debian.tar" .
    mv "$work/debian.tar" "$archive"
  fi
  import ergon-test/debian:1 < "$archive"
fi
# What an older recipe made has lost its name.
docker image prune --force --filter label=ergon-test.recipe > /dev/null
