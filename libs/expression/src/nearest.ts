import { nearestName } from '@millrace/model';

/** Names compared at most: an expression may miss a name often, and maps may be large. */
const CANDIDATES_MAX = 200;

/** `; did you mean 'x'?` or nothing. */
export function suggestion(wanted: string, known: Iterable<string>): string {
  const nearest = nearestName(wanted, known, CANDIDATES_MAX);
  return nearest === undefined ? '' : `; did you mean '${nearest}'?`;
}
