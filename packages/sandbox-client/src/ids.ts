/** The id of a new execution, by which a start that is sent again is known to be the same. */
export function newExecutionId(): string {
  // randomUUID is there on pages over https only.
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
