#!/usr/bin/env bash
# Usage, as root: dockerd.sh FOLDER
# A Docker Engine of its own, in the foreground: it answers at unix://FOLDER/docker.sock and keeps its data and its log in FOLDER. Its
# processes, mounts, bridges and firewall rules live in namespaces that end with it, so that nothing of this machine or of another engine on it
# is touched. SIGTERM ends it in order; SIGKILL is a power cut for it and its containers. Started again with the same FOLDER, it has its data.
set -euo pipefail
# shellcheck source=tools/lib/docker.sh
source "$(dirname "${BASH_SOURCE[0]}")/docker.sh"

# Inside the namespaces, as their first process.
if [ "${1:-}" = --inside ]; then
  folder=$2
  mount -t tmpfs -o mode=0755 tmpfs /run # what an engine keeps there must not outlive it
  mount -t tmpfs tmpfs /etc/docker
  ip link set lo up
  echo '{}' > /etc/docker/daemon.json
  dockerd --data-root "$folder/data" --host "unix://$folder/docker.sock" \
    --exec-opt native.cgroupdriver=cgroupfs --cgroup-parent "/${folder##*/}" >> "$folder/dockerd.log" 2>&1 &
  trap 'kill -TERM "$!"' TERM
  outlast "$!"
  exit
fi

folder=$(realpath "$1")
exec 9> "$folder/lock"
flock -w 10 9 || { echo "An engine already runs in $folder." >&2; exit 1; }
mkdir -p /etc/docker
# A kill of this script, or of unshare, is a kill of all that is inside.
setpriv --pdeathsig KILL unshare --mount --net --pid --fork --kill-child --mount-proc \
  bash "${BASH_SOURCE[0]}" --inside "$folder" < /dev/null &
unshare=$!

deadline=
ask_to_end() {
  local first
  deadline=${deadline:-$((SECONDS + 30))}
  first=$(cat "/proc/$unshare/task/$unshare/children" 2> /dev/null) || true
  # It ignores signals until it has asked for them; the deadline is for that.
  [ -z "$first" ] || kill -TERM "${first%% *}" 2> /dev/null || true
}
trap ask_to_end TERM INT HUP
while kill -0 "$unshare" 2> /dev/null; do
  if [ -z "$deadline" ]; then
    wait "$unshare" || true
  else
    [ "$SECONDS" -lt "$deadline" ] || kill -KILL "$unshare"
    sleep 0.1
  fi
done
code=0
wait "$unshare" || code=$?

# The kernel lets a control group go only when its last process is gone for good.
deadline=$((SECONDS + 5))
until find /sys/fs/cgroup -depth -type d -path "*/${folder##*/}*" -exec rmdir {} + 2> /dev/null || [ "$SECONDS" -gt "$deadline" ]; do
  sleep 0.05
done
rm -f "$folder/docker.sock"
exit "$code"
