#!/usr/bin/env bash
# Usage, as root in the virtual machine: shape.sh SHAPE COMMAND [ARGUMENT]...
# Runs the command as a server of that shape would run there: as whom, and with which control groups. Its exit code is the command's.
set -euo pipefail

shape=$1
shift
kept=(--setenv=PATH=/usr/local/bin:/usr/bin:/bin --setenv=LANG=C.UTF-8)
while IFS='=' read -r -d '' name value; do
  case $name in CI | ERGON_TEST_*) kept+=("--setenv=$name=$value") ;; esac
done < <(env -0)
as() { exec systemd-run --quiet --pipe --wait --collect --same-dir "--property=User=$1" "--setenv=HOME=/home/$1" "${kept[@]}" "${@:2}"; }

case $shape in
  # root, whose service systemd keeps for itself
  root) exec "$@" ;;
  # a service with Delegate=yes
  root-delegated) exec systemd-run --quiet --pipe --wait --collect --same-dir --property=Delegate=yes --setenv=HOME=/root "${kept[@]}" "$@" ;;
  user-delegated) as tester --property=Delegate=yes "$@" ;;
  # a login by ssh, say: in a session of its own, outside of what the user's systemd has
  user-session) as tester --property=PAMName=login "$@" ;;
  # a service of the user's systemd
  user-service)
    export XDG_RUNTIME_DIR=/run/user/1000
    exec setpriv --reuid=tester --regid=tester --init-groups -- systemd-run --user --quiet --pipe --wait --collect --same-dir "${kept[@]}" "$@"
    ;;
  # an ordinary user without a systemd
  user) as guest "$@" ;;
  *) echo "There is no shape \"$shape\"." >&2; exit 2 ;;
esac
