#!/bin/bash
# Proves on this machine, before any package is trusted, that the exec provider's technique holds together:
# once with the server as root, once as an ordinary user. Run as root: bash tools/prove/prove.sh
set -u
here=$(cd "$(dirname "$0")" && pwd)
[ "$(id -u)" = 0 ] || exec node "$here/prove.mjs"

failed=0
node "$here/prove.mjs" || failed=1

# The script is copied, since an ordinary user may not be able to read this folder.
work=$(mktemp -d /tmp/ergon-prove-user.XXXXXX)
install -d -m 0700 -o 4242 -g 4242 "$work/home"
install -m 0644 "$here/prove.mjs" "$work/prove.mjs"
chmod 0755 "$work"
cd "$work" || exit 1
env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME="$work/home" \
  setpriv --reuid 4242 --regid 4242 --clear-groups node "$work/prove.mjs" || failed=1
rm -rf -- "$work"
exit $failed
