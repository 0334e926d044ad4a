import { editDistance } from '@millrace/model';

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
