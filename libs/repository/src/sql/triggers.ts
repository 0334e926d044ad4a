import { sql, type CompiledQuery } from 'kysely';
import type { Scope } from '@millrace/authorization';
import { triggerRecordId, triggersKey, type TriggerState } from '@millrace/model';
import { RepositoryError, type TriggerName } from '../contract.js';
import type { QueryFilter } from '../filters.js';
import type { Search, Window, WithoutKeys } from '../part.js';
import {
  all,
  column,
  onAnyText,
  oneOf,
  onFlowScope,
  onInstant,
  onText,
  unknownField,
  unsupported,
  within,
  type Condition,
} from './conditions.js';
import type { Row, Statement } from './reader.js';
import { statements } from './tables.js';

const BY_KEY = statements
  .selectFrom('triggers')
  .select('value')
  .where('key', '=', sql<string>`?`)
  .where('id', '=', sql<string>`?`)
  .compile();

/** The record of one trigger. */
export const triggerByKey = ({ tenant }: Scope, { namespace, flowId, triggerId }: TriggerName): Statement => ({
  sql: BY_KEY.sql,
  parameters: [triggersKey(tenant, namespace, flowId), triggerRecordId(triggerId)],
});

export const triggerOf = (row: Row): TriggerState => JSON.parse(String(row['value']));

/** Fields of the API and their columns. */
const SORTS: Readonly<Record<string, string>> = {
  triggerId: 'trigger_id',
  flowId: 'flow_id',
  namespace: 'namespace',
  executionId: 'execution_id',
  workerId: 'worker_id',
  date: 'date',
  nextExecutionDate: 'next_execution_date',
  disabled: 'disabled',
};

const BY_NAME = ['namespace', 'flowId', 'triggerId'].map((field) => ({ field, direction: 'asc' }) as const);

/** The statements of a search: the rows of the page, and how many there are. */
export function searchTriggers(
  scope: Scope,
  query: Search,
  window: Window,
  without?: WithoutKeys,
): { readonly page: CompiledQuery; readonly total: CompiledQuery } {
  const matching = statements
    .selectFrom('triggers')
    .where(
      all([
        within(scope, column('tenant'), column('namespace')),
        sql`kind = 'trigger'`,
        ...query.filters.map(conditionOf),
        ...outside(without),
      ]),
    );
  let page = matching.select('value');
  for (const { field, direction } of query.sort.length > 0 ? query.sort : BY_NAME) {
    page = page.orderBy(sql.ref(sortColumn(field)), direction);
  }
  return {
    // The record last: pages stay apart when the sorted values are equal.
    page: page.orderBy('key').orderBy('id').limit(window.size).offset(window.from).compile(),
    total: matching.select(sql<number>`count(*)`.as('total')).compile(),
  };
}

/** Only triggers that the other part does not have. */
function outside(without: WithoutKeys | undefined): readonly Condition[] {
  if (without === undefined || without.keys.size === 0) return [];
  const rows = [...without.keys].map((key) => {
    const [tenant = '', namespace = '', flowId = '', triggerId = ''] = key.split('/').map(decodeURIComponent);
    return [triggersKey(tenant, namespace, flowId), triggerRecordId(triggerId)];
  });
  return [
    sql`(key, id) not in (select json_extract(value, '$[0]'), json_extract(value, '$[1]') from json_each(${JSON.stringify(rows)}))`,
  ];
}

/** Also `triggerContext.date`, as the reference's pages ask. */
function sortColumn(field: string): string {
  const name = field.replace(/^triggerContext[.]/, '');
  const known = Object.hasOwn(SORTS, name) ? SORTS[name] : undefined;
  if (known !== undefined) return known;
  throw new RepositoryError(
    'INVALID_QUERY',
    `Triggers cannot be sorted by '${field.slice(0, 80)}': use one of ${Object.keys(SORTS).join(', ')}`,
    false,
  );
}

const FIELDS: Readonly<Record<string, (filter: QueryFilter) => Condition>> = {
  q: (filter) => {
    if (filter.operation !== 'EQUALS' && filter.operation !== 'CONTAINS') throw unsupported(filter);
    return onAnyText([column('trigger_id'), column('flow_id'), column('namespace')], filter.value);
  },
  scope: (filter) => onFlowScope(column('namespace'), filter),
  namespace: (filter) => onText(column('namespace'), filter),
  flowId: (filter) => onText(column('flow_id'), filter),
  triggerId: (filter) => onText(column('trigger_id'), filter),
  workerId: (filter) => onText(column('worker_id'), filter),
  startDate: (filter) => onInstant(column('next_execution_date'), filter),
  endDate: (filter) => onInstant(column('next_execution_date'), filter),
  triggerState: (filter) => {
    if (filter.operation !== 'EQUALS' && filter.operation !== 'NOT_EQUALS') throw unsupported(filter);
    const [state] = oneOf(filter, ['ENABLED', 'DISABLED']);
    const isDisabled = (state === 'DISABLED') === (filter.operation === 'EQUALS');
    return sql`disabled = ${isDisabled ? 1 : 0}`;
  },
};

const TRIGGER_FILTERS: readonly string[] = Object.keys(FIELDS);

function conditionOf(filter: QueryFilter): Condition {
  const field = Object.hasOwn(FIELDS, filter.field) ? FIELDS[filter.field] : undefined;
  if (!field) throw unknownField(filter, TRIGGER_FILTERS);
  return field(filter);
}
