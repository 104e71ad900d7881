/**
 * Waits for a promise, or for the abort, whichever comes first.
 * @param because what it rejects with at the abort, of the signal's reason
 */
export async function unlessAborted<T>(
  promise: Promise<T>,
  signal: AbortSignal,
  because: (reason: unknown) => Error,
): Promise<T> {
  let onAbort = (): void => undefined;
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(because(signal.reason));
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
  });
  try {
    return await Promise.race([aborted, promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
