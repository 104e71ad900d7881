# What ordinary shell programs do. Prints one line for each thing that worked.
set -eu
seq 1 1000 | sort -rn | head -n 3 | tr '\n' ' ' | grep -qx '1000 999 998 ' && echo pipeline
sleep 0.01 & wait $! && echo background
test "$( (echo inner; exit 0) )" = inner && echo subshell
file=$(mktemp) && echo text > "$file" && grep -q text < "$file" && rm "$file" && echo file
trap 'echo trap' TERM && kill -TERM $$
perl -e 'my $child = fork() // die; exit 3 if !$child; waitpid $child, 0; exit($? >> 8 == 3 ? 0 : 1)' && echo fork
find /usr/bin -maxdepth 1 -name sh | xargs ls > /dev/null && echo xargs
