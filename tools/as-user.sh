#!/usr/bin/env bash
# Usage: as-user.sh COMMAND [ARGUMENT]...
# Runs the command as an ordinary user. Root gets a user made for this one run, who sees the repository and Node even where they
# lie below a private folder, keeps the working folder, and has an environment of PATH, HOME, TMPDIR, LANG and what tests
# need (CI, ERGON_TEST_*, NX_TASK_TARGET_*). Who already is an ordinary user just runs the command.
# The user exists in a mount namespace only; afterwards no process, mount or file of it is left. The exit code is the command's.
set -euo pipefail

[ $# -gt 0 ] || { echo 'Usage: as-user.sh COMMAND [ARGUMENT]...' >&2; exit 2; }
[ "$(id -u)" = 0 ] || exec "$@"

# Inside the mount namespace, as root: builds the user's view, then becomes the user.
if [ "${1:-}" = --inside ]; then
  uid=$2 home=$3 repository=$4 node=$5 folder=$6
  shift 6

  # A folder whose contents may vanish for this run: not one that holds what we are about to bind.
  for stage in /mnt /media /srv /opt; do
    case "$repository/ $node/ $home/" in *" $stage/"* | "$stage/"*) ;; *) [ ! -d "$stage" ] || break ;; esac
  done
  mount -t tmpfs -o mode=0755 tmpfs "$stage"
  mkdir "$stage/repository" "$stage/node" "$stage/home"
  mount --bind "$repository" "$stage/repository"
  mount -o remount,bind,ro "$stage/repository"
  mount --bind "$home" "$stage/home"
  { cat /etc/passwd; echo "tester:x:$uid:$uid::$stage/home:/bin/sh"; } > "$stage/passwd"
  { cat /etc/group; echo "tester:x:$uid:"; } > "$stage/group"
  mount --bind "$stage/passwd" /etc/passwd
  mount --bind "$stage/group" /etc/group

  user=(setpriv "--reuid=$uid" "--regid=$uid" --clear-groups --inh-caps=-all)
  # Node stays where it is if the user can run it there: a second path to /usr would only confuse. Asked through a shell, since
  # setpriv itself still has root's capabilities when it looks its command up.
  if ! "${user[@]}" -- sh -c 'exec "$0" --version' "$node/bin/node" > /dev/null 2>&1; then
    mount --bind "$node" "$stage/node"
    node=$stage/node
  fi
  # Files that only root may read (umask 077) are copied to be readable.
  if [ -n "$(find "$repository" \( -path "$repository/.git" -o -path "$repository/.nx" \) -prune -o \( -type d ! -perm -o=rx -o -type f ! -perm -o=r \) -print -quit)" ]; then
    umount "$stage/repository"
    (cd "$repository" && tar -c --exclude=./.git --exclude=./.nx .) | tar -x -C "$stage/repository"
    chmod -R go+rX "$stage/repository"
  fi

  kept=()
  while IFS='=' read -r -d '' name value; do
    case $name in CI | ERGON_TEST_* | NX_TASK_TARGET_*) kept+=("$name=$value") ;; esac
  done < <(env -0)
  cd "$stage/repository/$folder"
  exec "${user[@]}" -- env -i "${kept[@]}" "PATH=$node/bin:/usr/local/bin:/usr/bin:/bin" "HOME=$stage/home" \
    "TMPDIR=$stage/home/tmp" LANG=C.UTF-8 USER=tester LOGNAME=tester "$@"
fi

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
node=$(node -p 'require("node:path").resolve(process.execPath, "../..")')
case "$(pwd -P)/" in
  "$repository"/*) folder=$(realpath --relative-to="$repository" .) ;;
  *) folder=. ;;
esac

# An id that no account and no process has.
while uid=$((40000 + RANDOM % 20000)); do
  ! getent passwd "$uid" > /dev/null && ! getent group "$uid" > /dev/null && [ -z "$(find /proc -maxdepth 1 -uid "$uid" -print -quit 2> /dev/null)" ] && break
done

home=$(mktemp -d "${TMPDIR:-/tmp}/ergon-user.XXXXXX")
mkdir "$home/tmp"
chown -R "$uid:$uid" "$home"

# The ids of the user's processes, but for dead ones that wait for their parent to notice.
running() {
  local folder
  find /proc -maxdepth 1 -uid "$uid" -name '[0-9]*' 2> /dev/null | while read -r folder; do
    grep -qs '^State:[[:space:]]*[^ZX[:space:]]' "$folder/status" && echo "${folder#/proc/}"
  done
  return 0
}

finish() {
  local pid left deadline=$((SECONDS + 10))
  # What outlived the command would keep the mounts alive; it may fork while we end it.
  while left=$(running) && [ -n "$left" ]; do
    if [ "$SECONDS" -gt "$deadline" ]; then
      echo "as-user.sh: these processes do not end: $left" >&2
      break
    fi
    for pid in $left; do
      echo "as-user.sh: ending what the command left running: $(tr '\0' ' ' 2> /dev/null < "/proc/$pid/cmdline")" >&2
      kill -KILL "$pid" 2> /dev/null || true
    done
    sleep 0.05
  done
  rm -rf --one-file-system "$home"
}
trap finish EXIT

unshare --mount --propagation private bash "${BASH_SOURCE[0]}" --inside "$uid" "$home" "$repository" "$node" "$folder" "$@" <&0 &
child=$!
trap 'kill -TERM "$child" 2> /dev/null || true' TERM INT HUP
code=0
wait "$child" || code=$?
# A signal ends the wait early: the command may still be finishing.
while kill -0 "$child" 2> /dev/null; do
  code=0
  wait "$child" || code=$?
done
exit "$code"
