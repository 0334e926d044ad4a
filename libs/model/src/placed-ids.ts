/** Characters of an id without a placement. */
export const ID_LENGTH = 22;
/** A placement's mark in an id is the character at its number; the first one has none. */
export const PLACEMENT_MARKS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
/** What the id of an execution may look like: letters and digits, 22 of those that are made, and its placement's mark. */
export const EXECUTION_ID_PATTERN = '^[0-9A-Za-z]{1,64}(-[0-9A-Za-z])?$';

/**
 * The id of an execution with the placement under which its records lie (protocols.md part 2.4): `-` and one character after
 * the 22 that ids have. The first placement has no mark, so ids from before there were placements are what they were.
 * @throws RangeError for a placement that has no mark
 */
export function placedId(id: string, placement: number): string {
  if (placement === 0) return id;
  const mark = PLACEMENT_MARKS[placement];
  if (mark === undefined) throw new RangeError(`There are ${PLACEMENT_MARKS.length} placements at most`);
  return `${id}-${mark}`;
}

/** The placement that an execution's id names; 0, the first one, for ids that name none. */
export function placementOf(id: string): number {
  if (id.length !== ID_LENGTH + 2 || id[ID_LENGTH] !== '-') return 0;
  return Math.max(0, PLACEMENT_MARKS.indexOf(id.charAt(ID_LENGTH + 1)));
}
