/** Names longer than this are not compared: nobody types them by hand, and the comparison is quadratic. */
const NAME_LENGTH_MAX = 120;

/**
 * The one of `known` that looks most like `wanted`: fewest edits, a swap of neighbours being one; upper and lower case
 * are equal.
 *
 * @param candidatesMax of very many names only the first are looked at: a suggestion is a courtesy and must stay cheap
 * @returns undefined when none is within a third of the length in edits (one edit at least)
 */
export function nearestName(wanted: string, known: Iterable<string>, candidatesMax = 1_000): string | undefined {
  if (wanted.length > NAME_LENGTH_MAX) return undefined;
  const lowered = wanted.toLowerCase();
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(wanted.length / 3)) + 1;
  let seen = 0;
  for (const candidate of known) {
    if (++seen > candidatesMax) break;
    if (candidate.length > NAME_LENGTH_MAX || Math.abs(candidate.length - wanted.length) >= bestDistance) continue;
    const distance = editDistance(lowered, candidate.toLowerCase());
    if (distance >= bestDistance || distance >= Math.max(wanted.length, candidate.length)) continue;
    best = candidate;
    bestDistance = distance;
  }
  return best;
}

/** Damerau-Levenshtein distance (optimal string alignment): insertions, deletions, substitutions, swaps of neighbours. */
export function editDistance(left: string, right: string): number {
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: right.length + 1 }, (_, column) => column);
  for (let row = 1; row <= left.length; row++) {
    const current = [row];
    for (let column = 1; column <= right.length; column++) {
      const same = left[row - 1] === right[column - 1];
      let distance = Math.min(cell(previous, column - 1) + (same ? 0 : 1), cell(previous, column) + 1);
      distance = Math.min(distance, cell(current, column - 1) + 1);
      const swapped =
        row > 1 && column > 1 && left[row - 1] === right[column - 2] && left[row - 2] === right[column - 1];
      if (swapped) distance = Math.min(distance, cell(beforePrevious, column - 2) + 1);
      current.push(distance);
    }
    beforePrevious = previous;
    previous = current;
  }
  return cell(previous, right.length);
}

function cell(row: readonly number[], column: number): number {
  return row[column] ?? 0;
}
