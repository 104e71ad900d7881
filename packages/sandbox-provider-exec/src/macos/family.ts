import type { ProcessRow } from './ps.js';

/** A variable that a program's processes inherit, with a value that no one else can know. */
export const MARK = 'ERGON_SANDBOX_MARK';

/**
 * The processes of one program, where no kernel keeps them together: the first one, the children of any of them, its process group,
 * and who has the mark in the environment. Once known they stay known, whoever becomes their parent. A process escapes that leaves the group,
 * and the mark or the kernel's sight of it, and loses its parent, all between two looks.
 */
export class Family {
  /** Pid to start. */
  #known: ReadonlyMap<number, string>;
  readonly #cpuMs = new Map<string, number>();

  constructor(
    private readonly first: { readonly pid: number; readonly start: string },
    private readonly mark: string,
  ) {
    this.#known = new Map([[first.pid, first.start]]);
  }

  /** User and system time of all that were ever seen, as of the last look at each. */
  get cpuTimeMs(): number {
    return [...this.#cpuMs.values()].reduce((a, b) => a + b, 0);
  }

  /** Its living processes, by a new look at all. */
  find(table: readonly ProcessRow[]): ProcessRow[] {
    const { pid: firstPid, start: firstStart } = this.first;
    // A pid is given again only when no process or group has it: whoever has it now is none of ours, nor is its group.
    const groupIsOurs = !table.some(({ pid, start }) => pid === firstPid && start !== firstStart);
    const children = new Map<number, ProcessRow[]>();
    for (const row of table) children.set(row.parent, [...(children.get(row.parent) ?? []), row]);
    const isOurs = (row: ProcessRow): boolean =>
      this.#known.get(row.pid) === row.start ||
      (groupIsOurs && row.group === firstPid) ||
      ` ${row.words} `.includes(` ${MARK}=${this.mark} `);
    const found = new Set(table.filter(isOurs));
    for (const row of found) for (const child of children.get(row.pid) ?? []) found.add(child);
    this.#known = new Map([...found].map(({ pid, start }) => [pid, start]));
    for (const { pid, start, cpuMs } of found) {
      const name = `${pid} ${start}`;
      this.#cpuMs.set(name, Math.max(this.#cpuMs.get(name) ?? 0, cpuMs));
    }
    return [...found].filter(({ zombie }) => !zombie);
  }
}
