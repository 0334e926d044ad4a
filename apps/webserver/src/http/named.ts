const NAMED = 20;

/** Names for a message: the first ones, and how many more there are. */
export const named = (names: readonly string[]): string =>
  names.slice(0, NAMED).join(', ') + (names.length > NAMED ? ` and ${names.length - NAMED} more` : '');
