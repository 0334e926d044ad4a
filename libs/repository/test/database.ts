import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'libsql';
import {
  createTopics,
  EXECUTION_FORMAT,
  keyOf,
  NO_PROGRESS,
  type ExecutionCreated,
  type ExecutionHead,
  type ExecutionRecord,
  type ExecutionVariables,
  type LogEntry,
  type MetricEntry,
  type State,
  type TaskRun,
  type Topic,
  triggerRecordId,
  triggersKey,
  type TriggerRecord,
  type TriggerState,
} from '@millrace/model';
import type { Repository } from '../src/index.js';
import { createSqlRepository } from '../src/sql/index.js';

export const topics = createTopics({ executionPartitions: 4, resourcePartitions: 4 });

/** What a repository reads, and ways to fill it. */
export interface Filled {
  execution(head: ExecutionHead, created?: ExecutionCreated): void;
  taskRun(one: TaskRun): void;
  log(entry: LogEntry): void;
  metric(entry: MetricEntry): void;
  trigger(state: TriggerState): void;
  /** Resolves when what was filled in is there to be read. */
  written(): Promise<void>;
  open(): Promise<Repository>;
  remove(): Promise<void>;
}

export const VARIABLES: ExecutionVariables = { kind: 'variables', variables: { colour: 'blue' } };

/** A database with the tables of the SQL queue, made from the same topics, and ways to fill it quickly. */
export function createDatabase(): Filled & { readonly file: string; readonly database: Database.Database } {
  const folder = mkdtempSync(join(tmpdir(), 'repository-'));
  const file = join(folder, 'test.db');
  const database = new Database(file);
  database.pragma('journal_mode = WAL');
  database.pragma('synchronous = OFF');
  const tables = [
    tableOf(topics.executions),
    tableOf(topics.taskRuns),
    tableOf(topics.logs),
    tableOf(topics.metrics),
    tableOf(topics.triggers),
  ];
  database.exec(tables.join(' '));
  let position = 0;
  const insertState = <Value>(topic: Topic<Value>) => {
    const columns = Object.entries(topic.columns ?? {});
    const statement = database.prepare(
      `insert into ${nameOf(topic)} values (0, ?, ?, ?${', ?'.repeat(columns.length)})`,
    );
    return (key: string, id: string, value: Value): void => {
      const cells = columns.map(([, column]) => column.of(value, { key, id }) ?? null);
      statement.run(key, id, JSON.stringify(value), ...cells);
    };
  };
  const insertEvent = <Value>(topic: Topic<Value>) => {
    const columns = Object.entries(topic.columns ?? {});
    const statement = database.prepare(
      `insert into ${nameOf(topic)} values (0, ?, ?, ?, 0${', ?'.repeat(columns.length)})`,
    );
    return (key: string, value: Value): void => {
      const cells = columns.map(([, column]) => column.of(value, { key, id: '' }) ?? null);
      statement.run(++position, key, JSON.stringify(value), ...cells);
    };
  };
  const execution = insertState<ExecutionRecord>(topics.executions);
  const taskRun = insertState<TaskRun>(topics.taskRuns);
  const log = insertEvent(topics.logs);
  const metric = insertEvent(topics.metrics);
  const trigger = insertState<TriggerRecord>(topics.triggers);
  return {
    file,
    database,
    execution(head: ExecutionHead, created: ExecutionCreated = createdOf(head)): void {
      const key = keyOf(head.tenant, head.executionId);
      execution(key, 'head', head);
      execution(key, 'created', created);
      execution(key, 'variables', VARIABLES);
    },
    taskRun: (one: TaskRun): void => taskRun(keyOf(one.tenant, one.executionId), one.id, one),
    log: (entry: LogEntry): void => log(keyOf(entry.tenant, entry.executionId), entry),
    metric: (entry: MetricEntry): void => metric(keyOf(entry.tenant, entry.executionId), entry),
    trigger: (state) =>
      trigger(triggersKey(state.tenant, state.namespace, state.flowId), triggerRecordId(state.triggerId), state),
    written: async () => undefined,
    open: async () => createSqlRepository({ file }),
    async remove() {
      database.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const nameOf = ({ name }: { name: string }): string => name.replaceAll(/[^a-zA-Z0-9]/g, '_');

function tableOf<Value>(topic: Topic<Value>): string {
  const columns = Object.entries(topic.columns ?? {})
    .map(([name, { type }]) => `, ${name} ${type}`)
    .join('');
  const keys =
    topic.kind === 'state'
      ? `partition integer, key text, id text, value text${columns}, primary key (key, id)`
      : `partition integer, position integer, key text, value text, written_at integer${columns}, primary key (partition, position)`;
  const indexes = Object.entries(topic.indexes ?? {}).map(
    ([name, parts]) => `create index ${nameOf(topic)}_${name} on ${nameOf(topic)} (${parts.join(', ')});`,
  );
  return `create table ${nameOf(topic)} (${keys}) without rowid; ${indexes.join(' ')}`;
}

export const START = Date.UTC(2026, 10, 22, 10);

export const headOf = (executionId: string, rest: Partial<ExecutionHead> = {}): ExecutionHead => ({
  kind: 'head',
  format: EXECUTION_FORMAT,
  tenant: 'main',
  executionId,
  namespace: 'company.team',
  flowId: 'report',
  flowRevision: 1,
  state: 'SUCCESS',
  histories: historyOf('CREATED', 'RUNNING', 'SUCCESS'),
  labels: [],
  originalId: executionId,
  attemptNumber: 1,
  generation: 0,
  sequence: 0,
  progress: NO_PROGRESS,
  claims: {},
  retrying: 0,
  revision: 1,
  ...rest,
});

/** One state a second from `START` on. */
export const historyOf = (...states: readonly State[]) =>
  states.map((state, at) => ({ state, date: START + at * 1_000 }));

export const createdOf = (head: ExecutionHead): ExecutionCreated => ({
  kind: 'created',
  tenant: head.tenant,
  executionId: head.executionId,
  namespace: head.namespace,
  flowId: head.flowId,
  flowRevision: head.flowRevision,
  inputs: { name: 'Ada' },
  originalId: head.originalId,
});

export const taskRunOf = (executionId: string, sequence: number, rest: Partial<TaskRun> = {}): TaskRun => ({
  kind: 'task-run',
  id: `run${sequence}`,
  tenant: 'main',
  executionId,
  namespace: 'company.team',
  flowId: 'report',
  taskId: `task-${sequence}`,
  section: 'tasks',
  lane: 0,
  index: sequence,
  sequence,
  state: 'SUCCESS',
  histories: historyOf('CREATED', 'RUNNING', 'SUCCESS'),
  attempts: [],
  revision: 1,
  ...rest,
});

export const logOf = (executionId: string, lineNumber: number, rest: Partial<LogEntry> = {}): LogEntry => ({
  tenant: 'main',
  namespace: 'company.team',
  flowId: 'report',
  executionId,
  taskId: 'task-0',
  taskRunId: 'run0',
  attempt: 1,
  timestamp: START,
  level: 'INFO',
  message: `line ${lineNumber}`,
  taskRunSequence: 0,
  lineNumber,
  ...rest,
});

export const triggerOf = (triggerId: string, rest: Partial<TriggerState> = {}): TriggerState => ({
  kind: 'trigger',
  tenant: 'main',
  namespace: 'company.team',
  flowId: 'report',
  triggerId,
  type: 'core.trigger.Schedule',
  definition: 'd',
  active: true,
  date: START,
  nextExecutionDate: START + 60_000,
  disabled: false,
  updatedDate: START,
  ...rest,
});
