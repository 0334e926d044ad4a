import type { QueryFilter } from '@millrace/repository';
import { unprocessable } from '../http/errors.js';

const COMPARISONS: Partial<Record<QueryFilter['operation'], (one: number, other: number) => boolean>> = {
  EQUALS: (one, other) => one === other,
  NOT_EQUALS: (one, other) => one !== other,
  GREATER_THAN: (one, other) => one > other,
  LESS_THAN: (one, other) => one < other,
  GREATER_THAN_OR_EQUAL_TO: (one, other) => one >= other,
  LESS_THAN_OR_EQUAL_TO: (one, other) => one <= other,
};

/** A test of an instant by a filter on a date. @throws HttpError 422 for another operation, or a value that is no date */
export function onInstant({ field, operation, value }: QueryFilter): (instant: number) => boolean {
  const compare = COMPARISONS[operation];
  if (!compare) throw unprocessable(`The filter '${field}' cannot be used with ${operation}`);
  const wanted = /^\d{4}-\d{2}-\d{2}/.test(value) ? Date.parse(value) : Number.NaN;
  if (Number.isNaN(wanted))
    throw unprocessable(`The filter '${field}' needs an ISO-8601 date, but is '${value.slice(0, 80)}'`);
  return (instant) => compare(instant, wanted);
}
