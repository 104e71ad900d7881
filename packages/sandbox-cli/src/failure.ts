/** A failure of ours that a person can act on. */
export class Failure extends Error {
  override readonly name = 'Failure';

  /**
   * @param message a sentence
   * @param hint what to do, a sentence
   * @param exitCode of the program
   */
  constructor(
    message: string,
    readonly hint: string | null = null,
    readonly exitCode: number | null = null,
  ) {
    super(message);
  }
}

/** Exit codes of ours, where a program has none of its own. */
export const exitCodes = {
  failed: 1,
  usage: 2,
  timeout: 124,
  notRun: 125,
  killed: 137,
  brokenPipe: 141,
} as const;

/** 128 + the number of the signal (signal(7)), as shells have it. */
export const signalExitCodes = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;
export type EndingSignal = keyof typeof signalExitCodes;
