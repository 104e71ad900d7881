/** Programs that run inside. Python ones use the standard library alone; shell ones what POSIX and busybox have. */
export const programs = {
  wildPointer: 'import ctypes; ctypes.string_at(8)',

  /** A C stack that grows into its guard: a sort that compares by sorting. */
  deepRecursion: `import ctypes, sys, threading
sys.setrecursionlimit(1 << 30)
callback = ctypes.CFUNCTYPE(ctypes.c_int)
def down(): return callback(down)()
down()`,

  beyondTheFile: `import mmap, os
f = os.open('/tmp/short', os.O_RDWR | os.O_CREAT); os.truncate(f, 4096)
m = mmap.mmap(f, 4096); os.truncate(f, 0); m[0]`,

  abort: 'import os; os.abort()',

  /** Shows that it lives, in a file that is there for later executions too. For a shell. */
  beat: 'while :; do echo >> "$OUTPUT_DIR"/beat; sleep 0.05; done',

  /** Prints `still` unless something beats. */
  listen:
    'a=$(wc -c < "$OUTPUT_DIR"/beat); sleep 0.3; b=$(wc -c < "$OUTPUT_DIR"/beat); [ "$a" = "$b" ] && echo still || echo "$a $b"',

  /** Leaves the session, forks twice, ignores what it can, and beats. */
  daemon: `import os, signal, time
if os.fork() == 0:
  os.setsid()
  for n in (signal.SIGHUP, signal.SIGTERM, signal.SIGINT): signal.signal(n, signal.SIG_IGN)
  if os.fork() == 0:
    while True:
      with open(os.environ['OUTPUT_DIR'] + '/beat', 'a') as f: f.write('x')
      time.sleep(0.05)
  os._exit(0)
os.wait()`,
} as const;
