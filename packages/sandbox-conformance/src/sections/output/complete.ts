export const complete = {
  promise: 'Nothing of the output is lost, doubled or out of order.',
  mend: 'Read each stream to its end before the iterable finishes, and keep the order of what was read.',
};
