/** Begins a sentence on the texts in a result, which nobody sees who was shown the output itself (the core's `withText`). */
const onTexts = 'The output is shortened here';

/** The sentences of a result that are for those to whom its output was shown as it came. */
export function errorsToTell(errors: readonly string[]): readonly string[] {
  return errors.filter((sentence) => !sentence.startsWith(onTexts));
}
