import type { Kind } from './names.js';

/**
 * Grows with every change of mappings or settings. A field may be added: indices that exist get it. A field whose type
 * changes needs a new name.
 */
export const MAPPING_VERSION = 1;

/** The largest page that can be asked for, counted from the first row. */
export const ROWS_MAX = 50_000;

/** Longer text is kept in the record and is not found by this field: a term has at most 32,766 bytes. */
const TEXT = { type: 'keyword', ignore_above: 8_191 } as const;
const INSTANT = { type: 'long' } as const;
const INTEGER = { type: 'integer' } as const;
/** The whole record as JSON text: only read, so that no record can be one that the index does not take. */
const RECORD = { type: 'keyword', index: false, doc_values: false } as const;

type Properties = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

const OF_FLOW: Properties = { tenant: TEXT, namespace: TEXT, flowId: TEXT };
const OF_EXECUTION: Properties = { key: TEXT, tenant: TEXT, id: TEXT };
const OF_OBSERVATION: Properties = {
  ...OF_FLOW,
  executionId: TEXT,
  taskRunId: TEXT,
  taskId: TEXT,
  timestamp: INSTANT,
  partition: INTEGER,
  position: { type: 'long' },
};

/** Fields of each kind; those of others than these are never made, whatever a document has. */
export const PROPERTIES: Readonly<Record<Kind, Properties>> = {
  executions: {
    ...OF_FLOW,
    key: TEXT,
    executionId: TEXT,
    state: TEXT,
    startDate: INSTANT,
    endDate: INSTANT,
    duration: { type: 'long' },
    triggerExecutionId: TEXT,
    kind: TEXT,
    labels: TEXT,
    deleted: { type: 'boolean' },
    record: RECORD,
  },
  'execution-records': { ...OF_EXECUTION, kind: TEXT, position: { type: 'long' }, record: RECORD },
  'task-runs': {
    ...OF_EXECUTION,
    sequence: INTEGER,
    state: TEXT,
    taskId: TEXT,
    position: { type: 'long' },
    record: RECORD,
  },
  logs: {
    ...OF_OBSERVATION,
    triggerId: TEXT,
    attempt: INTEGER,
    level: { type: 'byte' },
    taskRunSequence: { type: 'long' },
    lineNumber: { type: 'long' },
    words: TEXT,
    record: RECORD,
  },
  metrics: { ...OF_OBSERVATION, name: TEXT, value: { type: 'double' }, record: RECORD },
  triggers: {
    ...OF_FLOW,
    key: TEXT,
    flowKey: TEXT,
    triggerId: TEXT,
    executionId: TEXT,
    workerId: TEXT,
    date: INSTANT,
    nextExecutionDate: INSTANT,
    disabled: { type: 'byte' },
    record: RECORD,
  },
};

export const mappingOf = (kind: Kind): object => ({
  dynamic: false,
  _meta: { millrace: { version: MAPPING_VERSION } },
  properties: PROPERTIES[kind],
});

/** The type of a field, for indices in which no document has it yet. */
export const typeOf = (kind: Kind, field: string): string => String(PROPERTIES[kind][field]?.['type'] ?? 'keyword');

/** Settings of every index. The indexer refreshes by itself; the interval is a net under it. */
export const settingsOf = ({ shards, replicas }: { readonly shards: number; readonly replicas: number }): object => ({
  number_of_shards: shards,
  number_of_replicas: replicas,
  refresh_interval: '30s',
  max_result_window: ROWS_MAX,
  // A removed trigger is not made again by what is written anew after an outage.
  gc_deletes: '1h',
});
