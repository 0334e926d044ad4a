import { sql, type CompiledQuery } from 'kysely';
import type { Scope } from '@millrace/authorization';
import { triggerRecordId, triggersKey, type TriggerState } from '@millrace/model';
import type { TriggerName } from '../contract.js';
import { DISTINCT_MAX } from '../filtering/patterns.js';
import { TRIGGER_FIELDS, triggerSort } from '../filtering/triggers.js';
import { predicatesOf } from '../filtering/values.js';
import type { Search, Window, WithoutKeys } from '../part.js';
import { all, column, onFilters, operandsOf, within, type Condition } from './conditions.js';
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

/** What a row has for the fields of filters and sorts. */
const operandOf = operandsOf({
  namespace: column('namespace'),
  flowId: column('flow_id'),
  triggerId: column('trigger_id'),
  executionId: column('execution_id'),
  workerId: column('worker_id'),
  date: column('date'),
  nextExecutionDate: column('next_execution_date'),
  disabled: column('disabled'),
});

/** The different values of a field. */
export const distinctOfTriggers = (scope: Scope, field: string): CompiledQuery =>
  statements
    .selectFrom('triggers')
    .where(all([within(scope, column('tenant'), column('namespace')), sql`kind = 'trigger'`]))
    .select(operandOf(field).as('text'))
    .distinct()
    .limit(DISTINCT_MAX + 1)
    .compile();

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
        ...onFilters(predicatesOf(TRIGGER_FIELDS, query.filters, query.now), operandOf),
        ...outside(without),
      ]),
    );
  let page = matching.select('value');
  for (const { field, direction } of triggerSort(query.sort)) page = page.orderBy(operandOf(field), direction);
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
