import { isoDate, isTerminal, type State, type StateChange } from '@millrace/model';
import { isoDuration } from './duration.js';

/** A state with its history as the API shows it (spec executions.md §1). */
export interface StateView {
  readonly current: State;
  readonly histories: readonly { readonly state: State; readonly date: string }[];
  readonly startDate?: string;
  /** With `duration`, only when terminal or paused. */
  readonly endDate?: string;
  readonly duration?: string;
}

export function presentState({
  state,
  histories,
}: {
  readonly state: State;
  readonly histories: readonly StateChange[];
}): StateView {
  const [first] = histories;
  const last = histories.at(-1);
  const view: StateView = {
    current: state,
    histories: histories.map((change) => ({ state: change.state, date: isoDate(change.date) })),
  };
  if (!first || !last) return view;
  const started = { ...view, startDate: isoDate(first.date) };
  if (!isTerminal(state) && state !== 'PAUSED') return started;
  return { ...started, endDate: isoDate(last.date), duration: isoDuration(last.date - first.date) };
}
