#!/usr/bin/env bash
# Usage, as root: make.sh RELEASE KERNEL_RELEASE NODE FOLDER
# Makes the disk, kernel and initial file system of a virtual machine in FOLDER: Debian with systemd, bubblewrap, Python and the given Node, a user
# "tester" whose own systemd always runs, and a user "guest" who has none. When it has started it runs /repository's tools/vm/guest.sh, and ends.
set -euo pipefail
# shellcheck source=tools/lib/setup.sh
source "$(dirname "${BASH_SOURCE[0]}")/../lib/setup.sh"
release=$1 kernel=$2 node=$3 folder=$4

packages=apparmor,bubblewrap,busybox-static,dbus,dbus-user-session,e2fsprogs,initramfs-tools,iproute2,kmod,libpam-systemd,procps,python3,systemd,systemd-sysv,util-linux
mirror=$(apt-get indextargets --format '$(REPO_URI) $(ORIGIN)' 'Created-By: Packages' | awk '$2 == "Debian" && $1 ~ /\/debian\/$/ { print $1; exit }')
mirror=${mirror:-http://deb.debian.org/debian/}
mkdir -p "${folder%/*}"
work=$(mktemp -d "$folder.XXXXXX")
trap 'rm -rf --one-file-system "$work"' EXIT
tree=$work/tree

# In a mount namespace of its own, so that an interrupted debootstrap leaves no mount.
bootstrap() {
  unshare --mount debootstrap --variant=minbase --include="$packages" "$release" "$tree" "$mirror" > "$work/log" 2>&1 || {
    tail -n 20 "$work/log" >&2
    complain 'debootstrap failed; the end of its log stands above.'
    return 1
  }
}
bootstrap

inside() { unshare --mount --fork chroot "$tree" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive LANG=C "$@" >> "$work/log" 2>&1 || { tail -n 20 "$work/log" >&2; return 1; }; }
echo "deb $mirror $kernel main" > "$tree/etc/apt/sources.list"
# Only what its own devices need.
mkdir -p "$tree/etc/initramfs-tools"
inside sed -i -e 's/^MODULES=.*/MODULES=list/' -e 's/^COMPRESS=.*/COMPRESS=gzip/' /etc/initramfs-tools/initramfs.conf
printf '%s\n' virtio_pci virtio_blk virtio_console ext4 crc32c_generic > "$tree/etc/initramfs-tools/modules"
inside apt-get -q update
inside apt-get -q -y install --no-install-recommends linux-image-cloud-amd64
cp "$tree"/boot/vmlinuz-* "$work/vmlinuz"
cp "$tree"/boot/initrd.img-* "$work/initrd"

install -m 0755 "$node" "$tree/usr/local/bin/node"
for library in $(ldd "$node" | awk '$3 ~ "^/" { print $3 }'); do
  chroot "$tree" test -e "$library" || install -D -m 0644 "$library" "$tree$library"
done
inside useradd -m -u 1000 tester
inside useradd -m -u 1001 guest
mkdir -p "$tree/var/lib/systemd/linger" "$tree/repository"
touch "$tree/var/lib/systemd/linger/tester"
: > "$tree/etc/fstab"
echo vm > "$tree/etc/hostname"
cat > "$tree/etc/systemd/system/command.service" << 'UNIT'
[Unit]
Description=The command of this virtual machine
After=multi-user.target dbus.service systemd-logind.service
[Service]
Type=oneshot
ExecStart=/bin/sh -c 'mount -o ro /dev/vdb /mnt && mount --bind /mnt/repository /repository && exec /bin/bash /repository/tools/vm/guest.sh'
[Install]
WantedBy=multi-user.target
UNIT
inside systemctl enable command.service
inside systemctl mask apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service fstrim.timer \
  getty@.service serial-getty@.service systemd-tmpfiles-clean.timer tmp.mount
rm -rf "$tree"/boot/* "$tree"/var/{cache/apt,lib/apt/lists,log}/* "$tree"/usr/share/{doc,info,locale,man}/*

truncate -s 3G "$work/root.img"
mkfs.ext4 -q -F -E root_owner=0:0 -d "$tree" "$work/root.img"
rm -rf --one-file-system "$folder" "$tree"
mkdir "$folder"
mv "$work"/{root.img,vmlinuz,initrd} "$folder/"
