import { EXECUTION_MOVES, type State, type StateChange } from '@millrace/model';
import { changeHead } from './changing.js';
import type { ExecutionState } from './state.js';

/** Changes that are kept of a history: the first ten and the latest. */
const HISTORY_MAX = 100;
const HISTORY_FIRST = 10;

/** A history with one more change; a record stays small however often its state changes (a loop of many retries). */
export const appended = (histories: readonly StateChange[], change: StateChange): readonly StateChange[] =>
  histories.length < HISTORY_MAX
    ? [...histories, change]
    : [...histories.slice(0, HISTORY_FIRST), ...histories.slice(HISTORY_FIRST + 1), change];

/** Moves the execution. A move that is not in the table is a bug of the engine, and throws. */
export function moveExecution(state: ExecutionState, { to, at }: { readonly to: State; readonly at: number }): void {
  const { head } = state;
  if (head.state === to) return;
  if (!EXECUTION_MOVES[head.state].includes(to)) {
    throw new Error(`An execution must not move from ${head.state} to ${to}`);
  }
  changeHead(state, { state: to, histories: appended(head.histories, { state: to, date: at }) });
}
