import { STATES, type State } from '@millrace/model';
import { HttpError } from '../http/errors.js';
import type { Query } from '../http/query.js';

/** A state in the query. @throws HttpError 400 when it is missing, 422 when there is no such state */
export function requiredState(query: Query, name: string): State {
  const state = query.choice(name, STATES);
  if (state === undefined) {
    throw new HttpError(400, `The query parameter '${name}' is missing`, {
      faults: [{ message: 'is missing', path: name }],
    });
  }
  return state;
}
