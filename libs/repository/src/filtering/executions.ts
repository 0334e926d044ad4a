import { STATES } from '@millrace/model';
import type { Sort } from '../contract.js';
import { any, not, type Predicate } from './predicates.js';
import {
  containsAny,
  invalid,
  oneOf,
  onFlowScope,
  onInstant,
  onText,
  searchText,
  since,
  textCondition,
  unsupported,
  type AskedFilter,
  type Fields,
} from './values.js';

const EQUALITY = ['EQUALS', 'NOT_EQUALS', 'IN', 'NOT_IN'] as const;

/** Filters of executions, over the fields `EXECUTION_SORTS` has and `kind`, `triggerExecutionId`. */
export const EXECUTION_FIELDS: Fields = {
  q: (filter) => {
    const text = searchText(filter);
    return any(containsAny(['namespace', 'flowId'], text), {
      kind: 'starts',
      field: 'executionId',
      text,
      ignoreCase: true,
    });
  },
  scope: (filter) => onFlowScope('namespace', filter),
  namespace: (filter) => onText('namespace', filter),
  flowId: (filter) => onText('flowId', filter),
  state: (filter) => onText('state', { ...filter, value: oneOf(filter, STATES).join(',') }, EQUALITY),
  startDate: (filter) => onInstant('startDate', filter),
  endDate: (filter) => onInstant('endDate', filter),
  timeRange: (filter, now) => since('startDate', filter, now),
  triggerExecutionId: (filter) => onText('triggerExecutionId', filter, EQUALITY),
  childFilter: (filter) => {
    if (filter.operation !== 'EQUALS' && filter.operation !== 'NOT_EQUALS') throw unsupported(filter);
    const child = (oneOf(filter, ['CHILD', 'MAIN'])[0] === 'CHILD') === (filter.operation === 'EQUALS');
    const hasParent: Predicate = { kind: 'exists', field: 'triggerExecutionId' };
    return child ? hasParent : not(hasParent);
  },
  kind: (filter) =>
    onText('kind', { ...filter, value: oneOf(filter, ['NORMAL', 'TEST', 'PLAYGROUND']).join(',') }, EQUALITY),
  labels: onLabel,
};

/** Fields of which REGEX lists the values. */
export const EXECUTION_PATTERNS = ['namespace', 'flowId'] as const;

/** Fields that executions are sorted by, and what they are called in a row. */
const EXECUTION_SORTS: Readonly<Record<string, string>> = {
  id: 'executionId',
  namespace: 'namespace',
  flowId: 'flowId',
  startDate: 'startDate',
  endDate: 'endDate',
  'state.startDate': 'startDate',
  'state.endDate': 'endDate',
  'state.current': 'state',
  'state.duration': 'duration',
};

/** Newest first unless told otherwise. @throws RepositoryError INVALID_QUERY */
export const executionSort = (sort: readonly Sort[]): readonly Sort[] =>
  sortOf('Executions', EXECUTION_SORTS, sort.length > 0 ? sort : [{ field: 'startDate', direction: 'desc' }]);

/** The sort by the names that rows have. @throws RepositoryError INVALID_QUERY for a field that is not among `sorts` */
export function sortOf(what: string, sorts: Readonly<Record<string, string>>, sort: readonly Sort[]): readonly Sort[] {
  return sort.map(({ field, direction }) => {
    const name = Object.hasOwn(sorts, field) ? sorts[field] : undefined;
    if (name === undefined)
      throw invalid(`${what} cannot be sorted by '${field.slice(0, 80)}': use one of ${Object.keys(sorts).join(', ')}`);
    return { field: name, direction };
  });
}

/** A label with the key; without a key (`key:value` as the value) the old flat form. */
function onLabel(filter: AskedFilter): Predicate {
  const colon = filter.value.indexOf(':');
  const key = filter.key ?? (colon < 0 ? filter.value : filter.value.slice(0, colon));
  const text = filter.key !== undefined ? filter.value : colon < 0 ? undefined : filter.value.slice(colon + 1);
  const negative = filter.operation === 'NOT_EQUALS' || filter.operation === 'NOT_IN';
  const operation =
    filter.operation === 'NOT_EQUALS' ? 'EQUALS' : filter.operation === 'NOT_IN' ? 'IN' : filter.operation;
  const label: Predicate =
    text === undefined
      ? { kind: 'label', key }
      : { kind: 'label', key, value: textCondition({ ...filter, operation, value: text }) };
  return negative ? not(label) : label;
}
