import { readTar } from '../../archive/read-tar.js';
import type { ArchiveEntry } from '../../archive/entry.js';
import { writeTar } from '../../archive/write-tar.js';
import type { LeftOut } from '../../contract/files.js';
import { COMMON, MAKE_FOLDERS, STEPS } from './scripts.js';

/**
 * Arguments: a size in bytes; files that are not smaller are left out. How many entries there may be, or empty; they are counted before
 * anything is packed, and no further than that. Names come from find(1), which goes over no link, and in the order of
 * its walk. Each load of arguments becomes an archive of its own; they follow one another. What find(1) and tar(1) have to say is counted.
 * busybox's tar writes a second name of a file as a link to the first, but not across archives; its find(1) runs no last load in brackets.
 */
export const PACK = `${COMMON}
size=$1 most=$2
shift 2
root "$1"
shift
${STEPS}
command -v tar >/dev/null 2>&1 || fail no-tar
[ -r . ] && [ -x . ] || fail denied
case $(tar --version 2>/dev/null) in
  *GNU*) options='--hard-dereference --no-unquote' alone='-links 0' ;;
  *) options= alone='-links +1' ;;
esac
if [ -n "$most" ]; then
  count=$(find . -mindepth 1 -print0 2>/dev/null | tr -dc '\\0' | head -c "$((most + 1))" | wc -c)
  [ "$count" -le "$most" ] || fail many
fi
export nonce options
exec 3>&1
say open
{
  count='echo "$nonce $0 $#" >&2'
  pack='tar --no-recursion $options -cf - -- "$@" >&3; [ $? -lt 126 ] || echo "$nonce killed" >&2'
  find . -mindepth 1 ! -type f ! -type d -exec sh -c "$count" special {} + \\
    -o -type f ! -size "-\${size}c" -exec sh -c "$count" large {} + \\
    -o -type f $alone -exec sh -c "$pack" sh {} \\; \\
    -o -exec sh -c "$pack" sh {} +
  [ $? -lt 126 ] || echo "$nonce killed" >&2
} 2>&1 >/dev/null | {
  special=0 large=0 unreadable=0 changed=0
  while IFS= read -r line; do
    case $line in
      "$nonce special "*) special=$((special + \${line##* })) ;;
      "$nonce large "*) large=$((large + \${line##* })) ;;
      "$nonce killed") fail broken ;;
      'tar: short read') fail changed ;;
      *'No such file or directory' | *'removed before we read it' | 'tar: Exiting with'* | 'tar: error exit'*) ;;
      *' shrank by '* | *'changed as we read it') changed=$((changed + 1)) ;;
      *) unreadable=$((unreadable + 1)) ;;
    esac
  done
  head -c 1024 /dev/zero >&3
  printf '%s left %s %s %s %s\\n' "$nonce" "$special" "$large" "$unreadable" "$changed" >&4
  say done
}
`;

/** What the script above left out. */
export function readLeftOut(words: string, nonce: string): LeftOut {
  const [special = 0, large = 0, unreadable = 0, changed = 0] =
    new RegExp(`^${nonce} left (\\d+) (\\d+) (\\d+) (\\d+)$`, 'm').exec(words)?.slice(1).map(Number) ?? [];
  return { special, large, unreadable, changed };
}

/**
 * Unpacks from stdin into a folder of a new name, looks whether all of it can be put where it shall go, and moves it there. Both folders are
 * held open and named by that. A folder that is in both is gone down to by `enter`, where it is seen without a process for each step that
 * it lies right below the one before: a link may have led to its neighbour at most. The last entry has the nonce for a name: an archive
 * that was cut off lacks it. Where nothing comes of it, the folders that were made for it go again, unless something else is in them.
 */
export const UNPACK = `${COMMON}
temporary=.$nonce
command -v tar >/dev/null 2>&1 || fail no-tar
root "$1"
shift
umask 022
${MAKE_FOLDERS}
[ -r . ] && [ -w . ] || fail denied
exec 5<.
target=/proc/self/fd/5
clear() { cd -P "$target" && rm -rf -- "./$temporary" 2>/dev/null; }
undo() {
  clear && while [ "$made" -gt 0 ]; do
    exec 7<.
    name=\${here##*/}
    cd -P .. && [ "./$name" -ef /proc/self/fd/7 ] && rmdir -- "./$name" 2>/dev/null || break
    here=\${here%/*} made=$((made - 1))
  done
  "$@"
}
error=$(mkdir -m 700 -- "./$temporary" 2>&1) || undo because "$error"
cd -P "./$temporary" 2>/dev/null && [ .. -ef "$target" ] || undo fail link
exec 6<.
source=/proc/self/fd/6
say open
error=$({ tar -xof - 2>&1; echo "status $?"; } | tail -c 4096)
case $error in
  *'status 0') ;;
  *'No space left on device'* | *'Disk quota exceeded'*) undo fail full ;;
  *'File too large'* | *'status 153') undo fail large ;;
  *'Not a directory'* | *'Is a directory'* | *'File exists'*) undo fail twofold ;;
  *) undo fail cut ;;
esac
[ -f "./$nonce" ] || undo fail cut
rm -f -- "./$nonce"
enter() {
  cd -P "$target" || undo fail broken
  rest=$1/
  rest=\${rest#./}
  while [ -n "$rest" ]; do
    name=\${rest%%/*}
    rest=\${rest#*/}
    exec 7<.
    [ ! -L "./$name" ] && cd -P "./$name" 2>/dev/null && [ .. -ef /proc/self/fd/7 ] || undo fail taken
  done
}
walk() {
  pass=$1
  set -- .
  while [ $# -gt 0 ]; do
    at=$1
    shift
    enter "$at"
    for from in "$source/$at"/* "$source/$at"/.[!.]* "$source/$at"/..?*; do
      [ ! -L "$from" ] && [ -e "$from" ] || continue
      name=\${from##*/}
      if [ "$pass" = look ]; then
        [ ! -L "./$name" ] && [ -w . ] || undo fail taken
        if [ -d "$from" ]; then
          [ ! -e "./$name" ] || [ -d "./$name" ] || undo fail taken
        else
          [ ! -e "./$name" ] || [ -f "./$name" ] || undo fail taken
        fi
      fi
      [ -d "$from" ] || continue
      if [ -d "./$name" ]; then
        set -- "$@" "$at/$name"
      elif [ "$pass" = move ]; then
        error=$(mv -fT -- "$from" "./$name" 2>&1) || undo because "$error"
      fi
    done
    [ "$pass" = move ] || continue
    error=$(find "$source/$at/" -mindepth 1 -maxdepth 1 -type f -exec sh -c 'mv -f -- "$@" .' sh {} + 2>&1)
    [ -z "$error" ] || undo because "$error"
  done
}
walk look
walk move
clear
say done
`;

/** At most so many go into a sandbox in one call. */
const maxEntries = 100_000;

/** An archive of a caller's, written anew with nothing but what may be unpacked, and the seal at its end. */
export function sealed(tar: AsyncIterable<Uint8Array>, nonce: string): AsyncGenerator<Uint8Array> {
  return writeTar(withSeal(tar, nonce));
}

async function* withSeal(tar: AsyncIterable<Uint8Array>, nonce: string): AsyncGenerator<ArchiveEntry> {
  const bounds = { maxEntries, maxBytes: Number.MAX_SAFE_INTEGER };
  for await (const entry of readTar(tar, bounds)) {
    yield { ...entry, mode: entry.mode | (entry.type === 'folder' ? 0o700 : 0o600) };
  }
  yield { path: nonce, type: 'file', bytes: 0, mode: 0o600, modifiedMs: 0, content: nothing() };
}

async function* nothing(): AsyncGenerator<Uint8Array> {
  // no bytes
}
