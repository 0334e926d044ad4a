import type { Page } from '../contract.js';
import type { Window } from '../part.js';
import type { Order } from './order.js';

/** The rows of the recent part that a window of both may need: any may come before all of the index. */
export const recentWindow = ({ from, size }: Window): Window => ({ from: 0, size: from + size });

/** The rows of the index that a window of both may need, when the recent part has `recent` that fit. */
export function indexWindow({ from, size }: Window, recent: number): Window {
  const first = Math.max(0, from - recent);
  return { from: first, size: from + size - first };
}

/**
 * A window of two that have no row in common: `recent` from the first row on, `index` from `indexWindow` on. Rows of the index
 * before those are so many that a recent row that belongs before them comes before the window, too.
 */
export function mergePage<Row>(
  window: Window,
  recent: Page<Row>,
  index: Page<Row>,
  order: Order<Row>,
): Pick<Page<Row>, 'results' | 'total'> {
  const end = window.from + window.size;
  const results: Row[] = [];
  let [atRecent, atIndex] = [0, 0];
  for (let rank = indexWindow(window, recent.total).from; rank < end; rank++) {
    const [one, other] = [recent.results[atRecent], index.results[atIndex]];
    let next: Row;
    if (one !== undefined && (other === undefined || order(one, other) < 0)) {
      next = one;
      atRecent++;
    } else if (other !== undefined) {
      next = other;
      atIndex++;
    } else {
      break;
    }
    if (rank >= window.from) results.push(next);
  }
  return { results, total: recent.total + index.total };
}

/** Two sorted lists as one, of which only the first `limit` are wanted. */
export function mergeSorted<Row>(
  one: readonly Row[],
  other: readonly Row[],
  order: Order<Row>,
  limit: number,
): readonly Row[] {
  if (other.length === 0) return one.slice(0, limit);
  if (one.length === 0) return other.slice(0, limit);
  return [...one, ...other].sort(order).slice(0, limit);
}
