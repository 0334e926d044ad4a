import {
  endDate,
  keyOf,
  LEVEL_RANK,
  triggerRecordId,
  triggersKey,
  type ExecutionHead,
  type TriggerState,
} from '@millrace/model';
import type { ExecutionRecords, PlacedLogEntry, Sort } from '../contract.js';
import type { PlacedMetric } from '../part.js';

/** As `Array.prototype.sort` wants it; never 0 for two different rows. */
export type Order<Row> = (one: Row, other: Row) => number;

type Value = string | number | undefined;
type Fields<Row> = Readonly<Record<string, (row: Row) => Value>>;

/** Text by its UTF-8 bytes; what is absent comes first. */
export function compareValues(one: Value, other: Value): number {
  if (one === other) return 0;
  if (one === undefined) return -1;
  if (other === undefined) return 1;
  if (typeof one === 'number' && typeof other === 'number') return one - other;
  return Buffer.compare(Buffer.from(String(one)), Buffer.from(String(other)));
}

/** Sorts by fields that the parts have checked, and what is equal by `ties`. */
const orderOf =
  <Row>(fields: Fields<Row>, ties: readonly Order<Row>[]) =>
  (sort: readonly Sort[], unsorted: readonly Sort[]): Order<Row> => {
    const orders = (sort.length > 0 ? sort : unsorted).map(({ field, direction }): Order<Row> => {
      const of = fields[field];
      if (of === undefined) throw new RangeError(`Rows cannot be put in the order of '${field}'`);
      return direction === 'asc'
        ? (one, other) => compareValues(of(one), of(other))
        : (one, other) => compareValues(of(other), of(one));
    });
    const all = [...orders, ...ties];
    return (one, other) => {
      for (const order of all) {
        const difference = order(one, other);
        if (difference !== 0) return difference;
      }
      return 0;
    };
  };

const startOf = ({ histories }: ExecutionHead): Value => histories[0]?.date;

function durationOf(head: ExecutionHead): Value {
  const [start, end] = [startOf(head), endDate(head)];
  return typeof start === 'number' && end !== undefined ? end - start : undefined;
}

const executions = orderOf<ExecutionRecords>(
  {
    id: ({ head }) => head.executionId,
    namespace: ({ head }) => head.namespace,
    flowId: ({ head }) => head.flowId,
    startDate: ({ head }) => startOf(head),
    endDate: ({ head }) => endDate(head),
    'state.startDate': ({ head }) => startOf(head),
    'state.endDate': ({ head }) => endDate(head),
    'state.current': ({ head }) => head.state,
    'state.duration': ({ head }) => durationOf(head),
  },
  [({ head: one }, { head: other }) => compareValues(headKeyOf(one), headKeyOf(other))],
);

export const headKeyOf = ({ tenant, executionId }: ExecutionHead): string => keyOf(tenant, executionId);

export const executionOrder = (sort: readonly Sort[]): Order<ExecutionRecords> =>
  executions(sort, [{ field: 'startDate', direction: 'desc' }]);

const logs = orderOf<PlacedLogEntry>(
  {
    timestamp: ({ entry }) => entry.timestamp,
    level: ({ entry }) => LEVEL_RANK[entry.level],
    namespace: ({ entry }) => entry.namespace,
    flowId: ({ entry }) => entry.flowId,
    executionId: ({ entry }) => entry.executionId,
  },
  [
    ({ place: one }, { place: other }) => other.position - one.position,
    ({ entry: one }, { entry: other }) => compareValues(one.executionId, other.executionId),
  ],
);

export const logOrder = (sort: readonly Sort[]): Order<PlacedLogEntry> =>
  logs(sort, [{ field: 'timestamp', direction: 'desc' }]);

/** The order of the log of one execution. */
export const placeOrder: Order<PlacedLogEntry> = ({ place: one }, { place: other }) =>
  one.timestamp - other.timestamp ||
  one.taskRunSequence - other.taskRunSequence ||
  one.lineNumber - other.lineNumber ||
  one.position - other.position;

const metrics = orderOf<PlacedMetric>(
  {
    timestamp: ({ entry }) => entry.timestamp,
    name: ({ entry }) => entry.name,
    value: ({ entry }) => entry.value,
    taskId: ({ entry }) => entry.taskId,
  },
  [(one, other) => one.position - other.position],
);

export const metricOrder = (sort: readonly Sort[]): Order<PlacedMetric> =>
  metrics(sort, [{ field: 'timestamp', direction: 'asc' }]);

const triggers = orderOf<TriggerState>(
  {
    triggerId: ({ triggerId }) => triggerId,
    flowId: ({ flowId }) => flowId,
    namespace: ({ namespace }) => namespace,
    executionId: ({ executionId }) => executionId,
    workerId: ({ workerId }) => workerId,
    date: ({ date }) => date,
    nextExecutionDate: ({ nextExecutionDate }) => nextExecutionDate,
    disabled: ({ disabled }) => (disabled ? 1 : 0),
  },
  [
    (one, other) =>
      compareValues(
        triggersKey(one.tenant, one.namespace, one.flowId),
        triggersKey(other.tenant, other.namespace, other.flowId),
      ),
    (one, other) => compareValues(triggerRecordId(one.triggerId), triggerRecordId(other.triggerId)),
  ],
);

export const triggerOrder = (sort: readonly Sort[]): Order<TriggerState> =>
  triggers(
    sort.map(({ field, direction }) => ({ field: field.replace(/^triggerContext[.]/, ''), direction })),
    ['namespace', 'flowId', 'triggerId'].map((field) => ({ field, direction: 'asc' })),
  );
