/** A small folder that only the holder can write, last in PATH: what an image lacks. */
export const EXTRA_BIN = '/run/ergon';

/** The last question. Only the holder can write it. */
const BEAT = `${EXTRA_BIN}/beat`;

/** How often a holder is asked that outlives its engine, in ms, and how often it looks whether it was, in s. */
export const BEAT_MS = 10_000;
const LOOK_S = 15;

/** Processes of `watchBeat`. */
export const BEAT_WATCHERS = 2;

/** Ends the holder, and all with it, when two looks in a row found no new question. */
const watchBeat: readonly string[] = [
  `command -v sleep >/dev/null || { echo 'the image has no sleep, which it needs on an engine with live-restore'; exit 1; }`,
  `echo 0 > ${BEAT}`,
  '{',
  '  last= missed=0',
  `  while sleep ${LOOK_S}; do`,
  `    read -r now < ${BEAT}`,
  '    if [ "$now" = "$last" ]; then missed=$((missed + 1)); else missed=0; fi',
  '    [ $missed -lt 2 ] || kill -9 $$',
  '    last=$now',
  '  done',
  '} </dev/null >/dev/null 2>&1 &',
];

const CGROUP = '/sys/fs/cgroup';

/** Where the kernel counts for this container: cgroup v2, then v1 under the names of both layouts. Read where they are. */
const COUNTERS = [
  'memory.events',
  'memory.current',
  'memory.peak',
  'memory.stat',
  'pids.current',
  'pids.events',
  'cpu.stat',
  'memory/memory.oom_control',
  'memory/memory.usage_in_bytes',
  'memory/memory.max_usage_in_bytes',
  'memory/memory.stat',
  'pids/pids.current',
  'pids/pids.events',
  'cpuacct/cpuacct.usage',
];

/**
 * The container's main process: trusted, of a user of its own, so that no program can signal it. It lives as long as its stdin is held
 * open, and the container lives no longer: when the server dies, the connection is cut, and the engine ends all. For each line that it
 * gets it tells the kernel's counters, with nothing but the shell's own means, and then a dot and that line. Its `$0` is the program's PATH.
 *
 * @param outlivesEngine its stdin stays open though the engine dies (live-restore): then it has to be asked something from time to time, too
 */
export function holderCommand(outlivesEngine: boolean): readonly string[] {
  const script = [
    // Looked for where the program will, but for ln(1): nothing that a program can write is run here.
    'if ! (PATH=$0; command -v python) >/dev/null 2>&1; then',
    `  p=$(PATH=$0; command -v python3) && ln -s "$p" ${EXTRA_BIN}/python`,
    'fi',
    ...(outlivesEngine ? watchBeat : []),
    'echo ready',
    'while IFS= read -r question; do',
    ...(outlivesEngine ? [`  echo "$question" > ${BEAT}`] : []),
    `  for f in ${COUNTERS.join(' ')}; do`,
    `    if [ -r ${CGROUP}/$f ]; then while IFS= read -r l; do echo "$f $l"; done < ${CGROUP}/$f; fi`,
    '  done 2>/dev/null',
    '  echo ". $question"',
    'done',
  ];
  return ['/bin/sh', '-c', script.join('\n')];
}

/** What is counted of one container, at one time. Null: not told here. */
export interface Counters {
  /** Times that the kernel ended a process for want of memory, and which counter says so. */
  readonly oomKills: number | null;
  readonly oomSource: string;
  /** Times that a process could not be made for the limit's sake. */
  readonly pidsRefused: number | null;
  readonly cpuTimeMs: number | null;
  /** Without what the kernel can take back at once (inactive page cache), as `docker stats` has it. */
  readonly memoryBytes: number | null;
  /** Most at one time, page cache included. */
  readonly memoryPeakBytes: number | null;
  readonly pids: number | null;
}

/** Reads what the holder told: lines `FILE KEY VALUE` and `FILE VALUE`. */
export function parseCounters(text: string): Counters {
  const values = new Map(
    text.split('\n').flatMap((line) => {
      const match = /^(.+) (\d+)$/.exec(line);
      return match?.[1] === undefined ? [] : [[match[1], Number(match[2])] as const];
    }),
  );
  const first = (...names: readonly string[]): number | null => {
    const name = names.find((each) => values.has(each));
    return name === undefined ? null : (values.get(name) ?? null);
  };
  const nanoseconds = first('cpuacct/cpuacct.usage');
  const microseconds = first('cpu.stat usage_usec');
  const memory = first('memory.current', 'memory/memory.usage_in_bytes');
  const cache = first('memory.stat inactive_file', 'memory/memory.stat total_inactive_file') ?? 0;
  return {
    oomKills: first('memory.events oom_kill', 'memory/memory.oom_control oom_kill'),
    oomSource: values.has('memory.events oom_kill') ? 'memory.events' : 'memory.oom_control',
    pidsRefused: first('pids.events max', 'pids/pids.events max'),
    cpuTimeMs: nanoseconds !== null ? nanoseconds / 1e6 : microseconds !== null ? microseconds / 1e3 : null,
    memoryBytes: memory === null ? null : Math.max(0, memory - cache),
    memoryPeakBytes: first('memory.peak', 'memory/memory.max_usage_in_bytes'),
    pids: first('pids.current', 'pids/pids.current'),
  };
}
