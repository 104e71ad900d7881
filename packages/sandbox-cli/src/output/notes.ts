/** Whether a note is on a field of a solution that nobody knows: a slip, such as in the name of a limit, which else would stay unseen. */
export function isOnUnknownField(note: string): boolean {
  return /^content\..+ is not a field that is known here/s.test(note);
}
