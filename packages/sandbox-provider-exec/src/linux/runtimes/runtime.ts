/** A language runtime outside of /usr, which a sandbox sees at a fixed place. */
export interface Runtime {
  /** `python` or `node`. */
  readonly name: string;
  /** The folder that holds its bin and lib, as the launcher sees it. */
  readonly source: string;
  /** E.g. `/runtimes/python`. */
  readonly target: string;
}
