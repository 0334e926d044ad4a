import { labelsOf } from '@millrace/flow';
import type { Flow } from '@millrace/model';
import type { QueryFilter, Sort } from '@millrace/repository';
import { unprocessable } from '../http/errors.js';

type Test = (flow: Flow) => boolean;

/** The flows that pass every filter, sorted. @throws HttpError 422 for a filter or sort that flows do not have */
export function searchFlows(
  flows: readonly Flow[],
  filters: readonly QueryFilter[],
  sort: readonly Sort[],
): readonly Flow[] {
  const tests = filters.map(testOf);
  const found = flows.filter((flow) => tests.every((test) => test(flow)));
  return sort.length === 0 ? found : found.sort(comparing(sort));
}

const FIELDS: Readonly<Record<string, (filter: QueryFilter) => Test>> = {
  q: (filter) => {
    if (filter.operation !== 'EQUALS' && filter.operation !== 'CONTAINS') throw unsupported(filter);
    const wanted = filter.value.toLowerCase();
    return ({ id, namespace, definition }) =>
      `${namespace}.${id}`.toLowerCase().includes(wanted) ||
      (definition.description ?? '').toLowerCase().includes(wanted);
  },
  namespace: (filter) => {
    const test = textTest(filter);
    return ({ namespace }) => test(namespace);
  },
  flowId: (filter) => {
    const test = textTest(filter);
    return ({ id }) => test(id);
  },
  scope: (filter) => {
    const wanted = filter.value.split(',');
    if (!wanted.every((one) => one === 'USER' || one === 'SYSTEM'))
      throw unprocessable("The filter 'scope' must be USER or SYSTEM");
    const negative = filter.operation.startsWith('NOT');
    return ({ namespace }) =>
      wanted.includes(namespace === 'system' || namespace.startsWith('system.') ? 'SYSTEM' : 'USER') !== negative;
  },
  labels: (filter) => {
    const [key = '', ...rest] = filter.key === undefined ? filter.value.split(':') : [filter.key, filter.value];
    const negative = filter.operation.startsWith('NOT');
    const test =
      rest.length === 0
        ? () => true
        : textTest({ ...filter, operation: positive(filter.operation), value: rest.join(':') });
    return ({ definition }) =>
      labelsOf(definition.labels).some((label) => label.key === key && test(label.value)) !== negative;
  },
};

const positive = (operation: QueryFilter['operation']): QueryFilter['operation'] =>
  operation === 'NOT_EQUALS' ? 'EQUALS' : operation === 'NOT_IN' ? 'IN' : operation;

const unsupported = ({ field, operation }: QueryFilter): Error =>
  unprocessable(`The filter '${field}' cannot be used with ${operation}`);

function testOf(filter: QueryFilter): Test {
  const field = Object.hasOwn(FIELDS, filter.field) ? FIELDS[filter.field] : undefined;
  if (!field)
    throw unprocessable(`There is no filter '${filter.field}' here: use one of ${Object.keys(FIELDS).join(', ')}`);
  return field(filter);
}

/** A test of a text by a filter. @throws HttpError 422 for an operation that texts do not have */
export function textTest(filter: QueryFilter): (text: string) => boolean {
  const { operation, value } = filter;
  const list = value.split(',');
  switch (operation) {
    case 'EQUALS':
      return (text) => text === value;
    case 'NOT_EQUALS':
      return (text) => text !== value;
    case 'IN':
      return (text) => list.includes(text);
    case 'NOT_IN':
      return (text) => !list.includes(text);
    case 'STARTS_WITH':
      return (text) => text.startsWith(value);
    case 'ENDS_WITH':
      return (text) => text.endsWith(value);
    case 'CONTAINS':
      return (text) => text.includes(value);
    case 'PREFIX':
      return (text) => text === value || text.startsWith(`${value}.`);
    default:
      throw unsupported(filter);
  }
}

const SORTS: Readonly<Record<string, (flow: Flow) => string | number>> = {
  id: ({ id }) => id,
  namespace: ({ namespace }) => namespace,
  revision: ({ revision }) => revision,
  updated: ({ updated }) => updated,
};

function comparing(sort: readonly Sort[]): (one: Flow, other: Flow) => number {
  const keys = sort.map(({ field, direction }) => {
    const value = Object.hasOwn(SORTS, field) ? SORTS[field] : undefined;
    if (!value)
      throw unprocessable(`Flows cannot be sorted by '${field}': use one of ${Object.keys(SORTS).join(', ')}`);
    return { value, sign: direction === 'asc' ? 1 : -1 };
  });
  return (one, other) => {
    for (const { value, sign } of keys) {
      const [a, b] = [value(one), value(other)];
      if (a !== b) return a < b ? -sign : sign;
    }
    return 0;
  };
}
