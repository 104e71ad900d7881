#!/usr/bin/env bash
# Inside of the virtual machine, as root, when it has started: runs the command that vm.sh wrote down, with its output to the host, leaves its
# exit code and /results on the third disk, and switches the machine off.
mkdir -p -m 1777 /results
mkdir -p /exit/files
export HOME=/root PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin LANG=C.UTF-8
cd /repository || exit
bash /mnt/command.sh < /dev/null > /dev/vport0p1 2>&1
echo "$?" > /exit/exit-code
cp -r /results/. /exit/files
tar -c -C /exit . | dd of=/dev/vdc bs=1M conv=fsync 2> /dev/null
systemctl poweroff --force --force
