import { excerpt } from '@millrace/model';
import type { UpdateState, UpdateTask } from './updates.js';

const STATES: ReadonlyMap<string, UpdateState> = new Map<string, UpdateState>([
  ['SUCCESS', 'SUCCESS'],
  ['WARNING', 'WARNING'],
  ['FAILED', 'FAILED'],
  ['CANCELLED', 'CANCELLED'],
  ['CANCELED', 'CANCELLED'],
  ['KILLED', 'KILLED'],
]);

/** Exit: the execution ends in `state`. */
export const exit: UpdateTask = ({ state: written = 'SUCCESS' }) => {
  const state = typeof written === 'string' ? STATES.get(written.trim()) : undefined;
  if (state === undefined) {
    throw new Error(`The state ${excerpt(written)} is none to end in: use one of ${[...STATES.keys()].join(', ')}.`);
  }
  return { facts: [], exit: state };
};
