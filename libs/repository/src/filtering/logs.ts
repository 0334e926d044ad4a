import { LEVEL_RANK, LOG_LEVELS } from '@millrace/model';
import type { Sort } from '../contract.js';
import { sortOf } from './executions.js';
import type { Predicate } from './predicates.js';
import { oneOf, onFlowScope, onInstant, onText, searchText, since, unsupported, type Fields } from './values.js';
import { wordsOf } from './words.js';

/** Filters of log entries. */
export const LOG_FIELDS: Fields = {
  q: (filter) => ({ kind: 'words', words: wordsOf(searchText(filter)) }),
  scope: (filter) => onFlowScope('namespace', filter),
  namespace: (filter) => onText('namespace', filter),
  flowId: (filter) => onText('flowId', filter),
  executionId: (filter) => onText('executionId', filter),
  triggerId: (filter) => onText('triggerId', filter),
  startDate: (filter) => onInstant('timestamp', filter),
  endDate: (filter) => onInstant('timestamp', filter),
  timeRange: (filter, now) => since('timestamp', filter, now),
  // EQUALS means "at least", as in the reference product's API.
  level: (filter) => {
    const [level = 'INFO'] = oneOf(filter, LOG_LEVELS);
    const atLeast = filter.operation === 'EQUALS' || filter.operation === 'GREATER_THAN_OR_EQUAL_TO';
    if (!atLeast && filter.operation !== 'NOT_EQUALS') throw unsupported(filter);
    return {
      kind: 'compare',
      field: 'level',
      comparison: atLeast ? '>=' : '<',
      value: LEVEL_RANK[level],
    } satisfies Predicate;
  },
};

/** Fields of which REGEX lists the values. */
export const LOG_PATTERNS = ['namespace', 'flowId', 'triggerId'] as const;

const SORTS: Readonly<Record<string, string>> = {
  timestamp: 'timestamp',
  level: 'level',
  namespace: 'namespace',
  flowId: 'flowId',
  executionId: 'executionId',
};

/** Newest first unless told otherwise. @throws RepositoryError INVALID_QUERY */
export const logSort = (sort: readonly Sort[]): readonly Sort[] =>
  sortOf('Logs', SORTS, sort.length > 0 ? sort : [{ field: 'timestamp', direction: 'desc' }]);

const METRIC_SORTS: Readonly<Record<string, string>> = {
  timestamp: 'timestamp',
  name: 'name',
  value: 'value',
  taskId: 'taskId',
};

/** Oldest first unless told otherwise. @throws RepositoryError INVALID_QUERY */
export const metricSort = (sort: readonly Sort[]): readonly Sort[] =>
  sortOf('Metrics', METRIC_SORTS, sort.length > 0 ? sort : [{ field: 'timestamp', direction: 'asc' }]);
