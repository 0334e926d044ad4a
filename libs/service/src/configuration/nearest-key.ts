/** The fewest insertions, deletions and replacements of a letter that make `right` of `left`. */
function editDistance(left: string, right: string): number {
  let row = Array.from({ length: right.length + 1 }, (_, column) => column);
  for (const [index, letter] of [...left].entries()) {
    const next = [index + 1];
    for (const [column, other] of [...right].entries()) {
      const replaced = (row[column] ?? 0) + (letter === other ? 0 : 1);
      next.push(Math.min(replaced, (row[column + 1] ?? 0) + 1, (next[column] ?? 0) + 1));
    }
    row = next;
  }
  return row[right.length] ?? 0;
}

/**
 * The known key to suggest for `wanted`: the nearest in letters, else one with the same last name elsewhere in the tree.
 *
 * @returns undefined when none is alike
 */
export function nearestKey(wanted: string, known: readonly string[]): string | undefined {
  const ranked = known
    .map((key) => ({ key, distance: editDistance(wanted.slice(0, 100).toLowerCase(), key) }))
    .sort((left, right) => left.distance - right.distance);
  const best = ranked[0];
  if (best && best.distance <= Math.max(2, Math.floor(wanted.length / 3))) return best.key;
  const lastName = wanted.split('.').at(-1);
  return known.find((key) => key.split('.').at(-1) === lastName);
}
