/** What bubblewrap's --json-status-fd said (bwrap(1)). */
export interface BubblewrapStatus {
  /** The sandbox's init, by its pid on the host. Null: not made. */
  readonly childPid: number | null;
  /** Null: bubblewrap did not see it end. */
  readonly exitCode: number | null;
}

export function parseStatus(text: string): BubblewrapStatus {
  const number = (name: string): number | null => {
    const match = new RegExp(`"${name}": (-?\\d+)`).exec(text);
    return match === null ? null : Number(match[1]);
  };
  return { childPid: number('child-pid'), exitCode: number('exit-code') };
}
