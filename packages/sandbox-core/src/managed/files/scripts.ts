/**
 * Scripts that run inside a sandbox as its user: whatever its programs planted leads them nowhere that those can't go themselves. For any
 * POSIX shell with GNU's or busybox's tools. What they have to say goes to stderr, each word after a nonce; data goes to stdout.
 *
 * Arguments: the nonce, those of the script itself, then a path as `workspace` or `output` and its segments.
 */

/**
 * `step` goes one folder down. Links may be swapped between a look and the going, so where it came to is asked of the kernel; by pwd(1),
 * since bash's own only computes. The `x` keeps a newline at a name's end.
 */
export const COMMON = `
nonce=$1 side=from
shift
exec 4>&2
nl='
'
say() { printf '%s %s\\n' "$nonce" "$1" >&4; }
fail() { say "$1 $side"; exit 1; }
because() {
  case $1 in
    *': No space left on device' | *': Disk quota exceeded') fail full ;;
    *': File too large') fail large ;;
    *': Permission denied' | *': Operation not permitted' | *': Read-only file system') fail denied ;;
    *': No such file or directory') fail missing ;;
    *': cannot overwrite non-directory '* | *': Not a directory') fail not-folder ;;
    *': File exists' | *': Directory not empty' | *': Is a directory') fail folder ;;
    *'to a subdirectory of itself'* | *': Invalid argument') fail itself ;;
  esac
  fail broken
}
root() {
  case $1 in
    workspace) here=\${WORKSPACE_DIR:-/workspace} ;;
    output) here=\${OUTPUT_DIR:-/output} ;;
  esac
  cd -P -- "$here" 2>/dev/null || fail denied
  here=$(env pwd -P && echo x)
  here=\${here%"$nl"x}
}
step() {
  [ ! -L "./$1" ] || fail link
  [ -e "./$1" ] || fail missing
  [ -d "./$1" ] || fail not-folder
  cd -P "./$1" 2>/dev/null || fail denied
  here=$here/$1
  [ "$(env pwd -P 2>/dev/null && echo x)" = "$here$nl"x ] || fail link
}
# What a file may take the place of.
target() {
  [ ! -L "./$1" ] || fail link
  [ ! -d "./$1" ] || fail folder
  [ ! -e "./$1" ] || [ -f "./$1" ] || fail not-file
  [ -w . ] || fail denied
}
`;

/** Down to the folder itself. */
export const STEPS = `
while [ $# -gt 0 ]; do
  step "$1"
  shift
done
`;

/** The same, making what is missing; `made` counts the last ones that it made. */
export const MAKE_FOLDERS = `
made=0
while [ $# -gt 0 ]; do
  if [ -L "./$1" ] || [ -e "./$1" ]; then
    made=0
  elif error=$(mkdir -- "./$1" 2>&1); then
    made=$((made + 1))
  else
    [ -d "./$1" ] || because "$error"
    made=0
  fi
  step "$1"
  shift
done
`;

const TO_PARENT = `
root "$1"
shift
while [ $# -gt 1 ]; do
  step "$1"
  shift
done
`;

/** For stat(1): raw mode in hex, size, second of the last change, name. */
const RECORD = '"$nonce/%f/%s/%Y/%n"';

/** One record. */
export const STAT = `${COMMON}${TO_PARENT}
if [ $# = 0 ]; then entry=.; else entry=./$1; fi
[ -L "$entry" ] || [ -e "$entry" ] || fail missing
stat -c ${RECORD} -- "$entry" 2>/dev/null || fail missing
say done
`;

/** Records, in any order. An entry that goes meanwhile is left out; a stat(1) that was killed is told. */
export const LIST = `${COMMON}
root "$1"
shift
${STEPS}
[ -r . ] && [ -x . ] || fail denied
export nonce
find . -mindepth 1 -maxdepth 1 -exec sh -c \\
  'stat -c ${RECORD} -- "$@" 2>/dev/null; [ $? -lt 126 ] || echo "$nonce broken from" >&4' sh {} + 2>/dev/null
[ $? -lt 126 ] || fail broken
say done
`;

/**
 * Arguments: offset; length, or empty for all. What was opened is asked of the kernel; a file that was replaced since, as editors do, is
 * still the one that was asked for.
 */
export const READ = `${COMMON}
offset=$1 length=$2
shift 2
${TO_PARENT}
[ ! -L "./$1" ] || fail link
[ -e "./$1" ] || fail missing
[ -f "./$1" ] || fail not-file
[ -r "./$1" ] || fail denied
{
  [ -f /proc/self/fd/3 ] || fail not-file
  case $(readlink /proc/self/fd/3 && echo x) in
    "$here/$1$nl"x | "$here/$1 (deleted)$nl"x) ;;
    *) fail link ;;
  esac
  say open
  # A filesystem may not be able to seek as far as a number goes.
  [ "$offset" -lt "$(stat -L -c %s /proc/self/fd/3)" ] || { say done; exit; }
  [ "$offset" = 0 ] || dd bs=1 skip="$offset" count=0 <&3 2>/dev/null || fail broken
  if [ -z "$length" ]; then cat <&3; else head -c "$length" <&3; fi || fail broken
  say done
} 3<"./$1" || fail missing
`;

/**
 * Argument: the mode. Reads the data from stdin, and after it the nonce: an input that was cut off lacks it. Only a whole file takes the
 * other's place. It is written under a name that is free, and once it is open only known by its descriptor, whatever a program puts there.
 */
export const WRITE = `${COMMON}
mode=$1 temporary=.$nonce
shift
${TO_PARENT}
target "$1"
umask 077
set -C
# False for what is no file, and once a program moved or removed it.
kept() { [ -f /proc/self/fd/3 ] && [ "$(readlink /proc/self/fd/3 && echo x)" = "$here/$temporary$nl"x ]; }
undo() {
  rm -f -- "./$temporary" 2>/dev/null
  "$@"
}
error=$({ : >"./$temporary"; } 2>&1) || because "$error"
{
  kept || undo fail link
  say open
  error=$(cat 2>&1 >&3)
  code=$?
  [ "$code" != 153 ] || undo fail large # SIGXFSZ
  [ "$code" = 0 ] || undo because "$error"
  size=$(stat -L -c %s /proc/self/fd/3 2>/dev/null)
  length=$((\${size:-0} - 32))
  [ "$length" -ge 0 ] || undo fail cut
  [ "$(tail -c 32 </proc/self/fd/3 2>/dev/null)" = "$nonce" ] || undo fail cut
  dd of=/proc/self/fd/3 bs=1 seek="$length" count=0 2>/dev/null </dev/null || undo fail broken
  kept || undo fail link
  error=$(chmod "$mode" /proc/self/fd/3 2>&1 && mv -fT -- "./$temporary" "./$1" 2>&1) || undo because "$error"
  say done
} 3<>"./$temporary" || undo fail link
`;

/** Makes what is missing of the path. */
export const MAKE_FOLDER = `${COMMON}
root "$1"
shift
umask 022
${MAKE_FOLDERS}
say done
`;

/**
 * Arguments: how many segments the target has, the target, the source. The target's folder is held open, and named by that. Between
 * workspace and output moving is copying: to a name of its own first, then in place.
 */
export const RENAME = `${COMMON}
side=to count=$1
shift
place=$1
root "$1"
shift
while [ "$count" -gt 1 ]; do
  step "$1"
  shift
  count=$((count - 1))
done
target "$1"
[ -r . ] || fail denied
exec 5<.
folder=/proc/self/fd/5 to=$1
shift
side=from
same=$([ "$1" = "$place" ] && echo yes)
${TO_PARENT}
[ ! -L "./$1" ] || fail link
[ -e "./$1" ] || fail missing
[ -f "./$1" ] || [ -d "./$1" ] || fail not-file
[ -w . ] || fail denied
from=./$1
side=to
[ ! -d "$from" ] || [ ! -e "$folder/$to" ] || fail not-folder
side=from
if [ -z "$same" ]; then
  error=$(mv -fT -- "$from" "$folder/.$nonce" 2>&1) || {
    rm -rf -- "$folder/.$nonce" 2>/dev/null
    because "$error"
  }
  from=$folder/.$nonce
fi
side=to
error=$(mv -fT -- "$from" "$folder/$to" 2>&1) || because "$error"
say done
`;

/** Folders that forbid it to their owner are no obstacle. */
export const REMOVE = `${COMMON}${TO_PARENT}
there() { [ -L "./$1" ] || [ -e "./$1" ]; }
there "$1" || fail missing
rm -rf -- "./$1" 2>/dev/null
if there "$1"; then
  [ -w . ] || fail denied
  find "./$1" -type d -exec chmod u+rwx {} \\; 2>/dev/null
  rm -rf -- "./$1" 2>/dev/null
  there "$1" && fail broken
fi
say done
`;
