import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'libsql';
import { createSqlQueue, tableName } from '@millrace/queue/sql';
import { Scope } from '@millrace/authorization';
import { countSelected, metricNames } from '../src/sql/aggregates.js';
import { executionLogs, searchLogs } from '../src/sql/logs.js';
import { executionMetrics } from '../src/sql/metrics.js';
import { recordsByKey, searchExecutions, taskRunsByKey } from '../src/sql/executions.js';
import type { Statement } from '../src/sql/reader.js';
import type { QueryFilter } from '../src/index.js';
import { topics } from './database.js';

const MAIN = Scope.system('main');
let folder: string;
let database: Database.Database;

// The tables as the queue makes them, so that what is checked is what runs.
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'plans-'));
  const file = join(folder, 'queue.db');
  const clock = { now: () => 0, after: () => () => undefined };
  const queue = createSqlQueue({
    file,
    clock,
    topics: [topics.executions, topics.taskRuns, topics.logs, topics.metrics],
  });
  await queue.close();
  database = new Database(file);
});
afterAll(() => {
  database.close();
  rmSync(folder, { recursive: true, force: true });
});

it('the tables are called as the queue calls them', () => {
  const names = [topics.executions, topics.taskRuns, topics.logs, topics.metrics].map(({ name }) =>
    tableName({ name }),
  );
  expect(names).toEqual(['executions', 'task_runs', 'logs', 'metrics']);
});

const planOf = ({ sql, parameters }: Statement): string[] =>
  (database.prepare(`explain query plan ${sql}`).all(...parameters) as { detail: string }[]).map(
    ({ detail }) => detail,
  );

const search = (...filters: readonly QueryFilter[]) => ({ sort: [], filters, now: 0 });
const PAGE = { from: 0, size: 25 };

describe('the database finds rows by an index', () => {
  it.each<[string, Statement, RegExp]>([
    [
      'the records of an execution',
      recordsByKey(MAIN, 'e1'),
      /SEARCH executions USING PRIMARY KEY \(key=\? AND id=\?\)/,
    ],
    ['its task runs', taskRunsByKey(MAIN, 'e1', ''), /SEARCH task_runs USING PRIMARY KEY \(key=\? AND id>\?\)/],
    [
      'the newest executions',
      searchExecutions(MAIN, search(), PAGE).page,
      /SEARCH e USING (COVERING )?INDEX executions_by_start \(tenant=\?\)/,
    ],
    [
      'their number',
      searchExecutions(MAIN, search(), PAGE).total,
      /SEARCH e USING COVERING INDEX executions_by_\w+ \(tenant=\?\)/,
    ],
    [
      'executions of a flow',
      searchExecutions(
        MAIN,
        search(
          { field: 'namespace', operation: 'EQUALS', value: 'a' },
          { field: 'flowId', operation: 'EQUALS', value: 'b' },
        ),
        PAGE,
      ).page,
      /INDEX executions_by_flow \(tenant=\? AND namespace=\? AND flow_id=\?\)/,
    ],
    [
      'executions in a state',
      searchExecutions(MAIN, search({ field: 'state', operation: 'EQUALS', value: 'FAILED' }), PAGE).page,
      /INDEX executions_by_state \(tenant=\? AND state=\?\)/,
    ],
    [
      'the log of an execution',
      executionLogs(MAIN, 'e1', { limit: 10 }),
      /INDEX logs_by_execution \(tenant=\? AND execution_id=\?\)/,
    ],
    [
      'the rest of a log',
      executionLogs(MAIN, 'e1', { limit: 10, after: { timestamp: 1, taskRunSequence: 1, lineNumber: 1, position: 1 } }),
      /INDEX logs_by_execution \(tenant=\? AND execution_id=\? AND timestamp>\?\)/,
    ],
    ['the newest log entries', searchLogs(MAIN, search(), PAGE).page, /INDEX logs_by_time \(tenant=\?\)/],
    [
      'the metrics of an execution',
      executionMetrics(MAIN, 'e1', { sort: [] }, PAGE).page,
      /INDEX metrics_by_execution \(tenant=\? AND execution_id=\?\)/,
    ],
    [
      'how many entries an execution has',
      countSelected(MAIN, 'logs', { executionId: 'e1' }),
      /INDEX logs_by_execution \(tenant=\? AND execution_id=\?\)/,
    ],
    [
      'how many entries are older than a date',
      countSelected(MAIN, 'logs', { before: 1 }),
      /INDEX logs_by_time \(tenant=\? AND timestamp<\?\)/,
    ],
    [
      'the names of the metrics of a flow',
      metricNames(MAIN, { namespace: 'a', flowId: 'b' }),
      /INDEX metrics_by_flow \(tenant=\? AND namespace=\? AND flow_id=\?\)/,
    ],
  ])('%s', (_what, statement, expected) => {
    const plan = planOf(statement);
    expect(plan.join('; ')).toMatch(expected);
    expect(plan.join('; ')).not.toMatch(/SCAN (e|executions|logs|task_runs|metrics)\b/);
  });
});
