import type { Sort } from '../contract.js';
import { sortOf } from './executions.js';
import { containsAny, oneOf, onFlowScope, onInstant, onText, searchText, unsupported, type Fields } from './values.js';

/** Filters of triggers. */
export const TRIGGER_FIELDS: Fields = {
  q: (filter) => containsAny(['triggerId', 'flowId', 'namespace'], searchText(filter)),
  scope: (filter) => onFlowScope('namespace', filter),
  namespace: (filter) => onText('namespace', filter),
  flowId: (filter) => onText('flowId', filter),
  triggerId: (filter) => onText('triggerId', filter),
  workerId: (filter) => onText('workerId', filter),
  startDate: (filter) => onInstant('nextExecutionDate', filter),
  endDate: (filter) => onInstant('nextExecutionDate', filter),
  triggerState: (filter) => {
    if (filter.operation !== 'EQUALS' && filter.operation !== 'NOT_EQUALS') throw unsupported(filter);
    const [state] = oneOf(filter, ['ENABLED', 'DISABLED']);
    const isDisabled = (state === 'DISABLED') === (filter.operation === 'EQUALS');
    return { kind: 'compare', field: 'disabled', comparison: '=', value: isDisabled ? 1 : 0 };
  },
};

/** Fields of which REGEX lists the values. */
export const TRIGGER_PATTERNS = ['namespace', 'flowId', 'triggerId', 'workerId'] as const;

const SORTS: Readonly<Record<string, string>> = {
  triggerId: 'triggerId',
  flowId: 'flowId',
  namespace: 'namespace',
  executionId: 'executionId',
  workerId: 'workerId',
  date: 'date',
  nextExecutionDate: 'nextExecutionDate',
  disabled: 'disabled',
};

const BY_NAME = ['namespace', 'flowId', 'triggerId'].map((field) => ({ field, direction: 'asc' }) as const);

/**
 * By name unless told otherwise. Also `triggerContext.date`, as the reference's pages ask.
 * @throws RepositoryError INVALID_QUERY
 */
export const triggerSort = (sort: readonly Sort[]): readonly Sort[] =>
  sortOf(
    'Triggers',
    SORTS,
    sort.length > 0 ? sort.map((one) => ({ ...one, field: one.field.replace(/^triggerContext[.]/, '') })) : BY_NAME,
  );
