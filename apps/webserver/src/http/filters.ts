import { FILTER_LIMITS, isOperation, type QueryFilter } from '@millrace/repository';
import { unprocessable } from './errors.js';
import type { Query } from './query.js';

const BRACKETS = /^filters\[([A-Za-z]{1,64})\]\[([A-Z_]{1,32})\](?:\[([^[\]]{1,256})\])?$/;

/** Which old flat parameter means which filter (spec rest-api.md §1); the others of the query are no filters. */
export interface FlatFilter {
  readonly parameter: string;
  readonly field: string;
  readonly operation: QueryFilter['operation'];
}

const flat = (parameter: string, operation: QueryFilter['operation'], field = parameter): FlatFilter => ({
  parameter,
  field,
  operation,
});

/** Old flat parameters of searches for executions. */
export const EXECUTION_FLAT: readonly FlatFilter[] = [
  flat('q', 'EQUALS'),
  flat('scope', 'IN'),
  flat('namespace', 'PREFIX'),
  flat('flowId', 'EQUALS'),
  flat('state', 'IN'),
  flat('labels', 'EQUALS'),
  flat('startDate', 'GREATER_THAN_OR_EQUAL_TO'),
  flat('endDate', 'LESS_THAN_OR_EQUAL_TO'),
  flat('timeRange', 'EQUALS'),
  flat('triggerExecutionId', 'EQUALS'),
  flat('childFilter', 'EQUALS'),
  flat('kind', 'IN'),
];

/** Old flat parameters of searches for log entries. */
export const LOG_FLAT: readonly FlatFilter[] = [
  flat('q', 'EQUALS'),
  flat('scope', 'IN'),
  flat('namespace', 'PREFIX'),
  flat('flowId', 'EQUALS'),
  flat('triggerId', 'EQUALS'),
  flat('executionId', 'EQUALS'),
  flat('startDate', 'GREATER_THAN_OR_EQUAL_TO'),
  flat('endDate', 'LESS_THAN_OR_EQUAL_TO'),
  flat('timeRange', 'EQUALS'),
  flat('minLevel', 'EQUALS', 'level'),
  flat('level', 'EQUALS'),
];

export const FLOW_FLAT: readonly FlatFilter[] = [
  flat('q', 'EQUALS'),
  flat('scope', 'IN'),
  flat('namespace', 'PREFIX'),
  flat('flowId', 'EQUALS'),
  flat('labels', 'EQUALS'),
];

/** Old flat parameters of searches for triggers. */
export const TRIGGER_FLAT: readonly FlatFilter[] = [
  flat('q', 'EQUALS'),
  flat('scope', 'IN'),
  flat('namespace', 'PREFIX'),
  flat('flowId', 'EQUALS'),
  flat('triggerId', 'EQUALS'),
  flat('workerId', 'EQUALS'),
  flat('triggerState', 'EQUALS'),
];

/** Old flat parameters of searches for keys. */
export const KEY_VALUE_FLAT: readonly FlatFilter[] = [flat('q', 'EQUALS'), flat('namespace', 'PREFIX')];

/**
 * The filters of a query: `filters[field][OP]=value`, labels with a key, and the old flat parameters.
 * @throws HttpError 422 for malformed ones, unknown operations and too many
 */
export function filtersOf(query: Query, flatOnes: readonly FlatFilter[]): readonly QueryFilter[] {
  const filters: QueryFilter[] = [];
  for (const [name, value] of query.entries()) {
    if (name.startsWith('filters')) filters.push(filterOf(name, value));
  }
  for (const { parameter, field, operation } of flatOnes) {
    const values = query.all(parameter).filter((value) => value !== '');
    if (values.length === 0) continue;
    // Repeated: any of them for a list, each of them otherwise (labels).
    if (operation === 'IN') filters.push({ field, operation, value: values.join(',') });
    else for (const value of values) filters.push({ field, operation, value });
  }
  if (filters.length > FILTER_LIMITS.filters) {
    throw unprocessable(`The query has ${filters.length} filters; at most ${FILTER_LIMITS.filters} are allowed`);
  }
  for (const { field, value } of filters) {
    if (value.length > FILTER_LIMITS.valueLength) {
      throw unprocessable(
        `The filter '${field}' has ${value.length} characters; at most ${FILTER_LIMITS.valueLength} are allowed`,
      );
    }
  }
  return filters;
}

function filterOf(name: string, value: string): QueryFilter {
  const [, field, operation, key] = BRACKETS.exec(name) ?? [];
  if (field === undefined || operation === undefined) {
    throw unprocessable(`'${name.slice(0, 80)}' is no filter: write filters[field][OPERATION]=value`);
  }
  if (!isOperation(operation)) throw unprocessable(`'${operation}' is no operation of filters`);
  if (key !== undefined && field !== 'labels')
    throw unprocessable(`Only the filter 'labels' has a key, not '${field}'`);
  return { field, operation, value, ...(key === undefined ? {} : { key }) };
}
