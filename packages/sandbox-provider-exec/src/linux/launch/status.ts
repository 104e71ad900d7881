/** What bubblewrap's --json-status-fd said (bwrap(1)). */
export interface BubblewrapStatus {
  /** The sandbox's init, by its pid on the host. Null: not made. */
  readonly childPid: number | null;
  /** Null: bubblewrap did not see it end. */
  readonly exitCode: number | null;
}

/** CPU time in ms of all children that ended, from what a shell's `times` prints as its last line: `0m1.230000s 0m0.040000s`. */
export function parseTimes(text: string): number | null {
  const match = /(\d+)m([\d.]+)s (\d+)m([\d.]+)s\n$/.exec(text);
  if (match === null) return null;
  const [minutes, seconds, systemMinutes, systemSeconds] = match.slice(1).map(Number) as [
    number,
    number,
    number,
    number,
  ];
  return Math.round(((minutes + systemMinutes) * 60 + seconds + systemSeconds) * 1000);
}

export function parseStatus(text: string): BubblewrapStatus {
  const number = (name: string): number | null => {
    const match = new RegExp(`"${name}": (-?\\d+)`).exec(text);
    return match === null ? null : Number(match[1]);
  };
  return { childPid: number('child-pid'), exitCode: number('exit-code') };
}
