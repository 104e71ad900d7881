import { isOnTexts } from '@ergon/sandbox-core';

/** The sentences of a result that are for those to whom its output was shown as it came. */
export function errorsToTell(errors: readonly string[]): readonly string[] {
  return errors.filter((sentence) => !isOnTexts(sentence));
}
