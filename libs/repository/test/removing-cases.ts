import { Scope } from '@millrace/authorization';
import {
  keyOf,
  logPurge,
  metricPurge,
  outgoing,
  type ExecutionHead,
  type MetricEntry,
  type OutgoingRecord,
} from '@millrace/model';
import type { Queue } from '@millrace/queue';
import type { Repository } from '../src/index.js';
import { createdOf, headOf, logOf, START, taskRunOf, topics } from './database.js';

const MAIN = Scope.system('main');

const log = (...entry: Parameters<typeof logOf>): OutgoingRecord => {
  const value = logOf(...entry);
  return outgoing({ topic: topics.logs, key: keyOf(value.tenant, value.executionId), value });
};

const metric = (name: string, rest: Partial<MetricEntry> = {}): OutgoingRecord => {
  const value: MetricEntry = {
    tenant: 'main',
    namespace: 'company.team',
    flowId: 'report',
    executionId: 'e1',
    taskId: 'task-0',
    taskRunId: 'run0',
    type: 'counter',
    name,
    value: 1,
    tags: {},
    timestamp: START,
    ...rest,
  };
  return outgoing({ topic: topics.metrics, key: keyOf(value.tenant, value.executionId), value });
};

/** A queue that is written to, and the repository that shows what it has. */
export interface Written {
  readonly queue: Pick<Queue, 'publish' | 'close'>;
  readonly repository: Repository;
}

/** What every repository no longer shows, and how it counts and groups what is there. */
export function describeRemoving(name: string, open: () => Promise<Written>): void {
  describe(`what is removed, in ${name}`, () => {
    let queue: Written['queue'];
    let repository: Repository;
    beforeEach(async () => {
      ({ queue, repository } = await open());
    });
    afterEach(async () => {
      await repository.close();
      await queue.close();
    });

    const messages = async (executionId = 'e1', scope = MAIN): Promise<readonly string[]> =>
      (await repository.logs(scope, executionId, { limit: 100 })).map(({ entry }) => entry.message);

    it('the log and the metrics of an execution', async () => {
      await queue.publish([log('e1', 1), log('e1', 2), log('e2', 3), metric('a'), metric('b', { executionId: 'e2' })]);
      expect(await repository.countLogs(MAIN, { executionId: 'e1' })).toBe(2);
      expect(await repository.countMetrics(MAIN, { executionId: 'e1' })).toBe(1);
      const all = { tenant: 'main', executionId: 'e1' };
      await queue.publish([logPurge(topics, all), metricPurge(topics, all), log('e1', 4)]);
      expect(await messages()).toEqual(['line 4']);
      expect(await messages('e2')).toEqual(['line 3']);
      expect(await repository.countMetrics(MAIN, { executionId: 'e1' })).toBe(0);
      expect(await repository.countMetrics(MAIN, {})).toBe(1);
      const found = await repository.searchLogs(MAIN, { page: 1, size: 10, sort: [], filters: [], now: START });
      expect(found.total).toBe(2);
    });

    it.each<[string, object, readonly string[]]>([
      ['levels', { levels: ['ERROR', 'WARN'] }, ['line 1', 'line 4', 'line 5']],
      ['a namespace and its children', { namespace: 'company' }, []],
      ['a namespace and a flow', { namespace: 'company.team', flowId: 'report' }, []],
      [
        'another flow',
        { namespace: 'company.team', flowId: 'other' },
        ['line 1', 'line 2', 'line 3', 'line 4', 'line 5'],
      ],
      ['a namespace that only begins alike', { namespace: 'comp' }, ['line 1', 'line 2', 'line 3', 'line 4', 'line 5']],
      ['dates', { from: START + 4_000, before: START + 5_000 }, ['line 1', 'line 2', 'line 3', 'line 5']],
      ['a task run', { taskRunId: 'other-run' }, ['line 1', 'line 2', 'line 3', 'line 4']],
      ['an attempt', { attempt: 2 }, ['line 1', 'line 2', 'line 3', 'line 5']],
    ])('log entries by %s', async (_what, selection, left) => {
      await queue.publish([
        log('e1', 1),
        log('e1', 2, { level: 'WARN' }),
        log('e1', 3, { level: 'ERROR' }),
        log('e1', 4, { timestamp: START + 4_000, attempt: 2 }),
        log('e1', 5, { timestamp: START + 5_000, taskRunId: 'other-run' }),
        log('e1', 6, { tenant: 'acme' }),
      ]);
      expect(await repository.countLogs(MAIN, selection)).toBe(5 - left.length);
      await queue.publish([logPurge(topics, { tenant: 'main', ...selection })]);
      expect(await messages()).toEqual(left);
      expect(await messages('e1', Scope.system('acme'))).toEqual(['line 6']);
    });

    it('an execution that was deleted, and task runs that were removed', async () => {
      const key = keyOf('main', 'e1');
      const head = (rest: Partial<ExecutionHead> = {}): OutgoingRecord =>
        outgoing({
          topic: topics.executions,
          key,
          id: 'head',
          value: headOf('e1', { sequence: 2, ...rest }),
        });
      await queue.publish([
        head(),
        outgoing({ topic: topics.executions, key, id: 'created', value: createdOf(headOf('e1')) }),
        ...[0, 1].map((at) =>
          outgoing({ topic: topics.taskRuns, key, id: taskRunOf('e1', at).id, value: taskRunOf('e1', at) }),
        ),
      ]);
      // As a restart does it: the head tells that one is no more.
      await queue.publish([
        head({ removed: 1, revision: 2 }),
        outgoing({ topic: topics.taskRuns, key, id: taskRunOf('e1', 0).id, value: null }),
      ]);
      expect((await repository.execution(MAIN, 'e1'))?.taskRuns.map(({ taskId }) => taskId)).toEqual(['task-1']);
      await queue.publish([head({ deleted: true, removed: 1, revision: 3 })]);
      expect(await repository.execution(MAIN, 'e1')).toBeUndefined();
      const found = await repository.searchExecutions(MAIN, { page: 1, size: 10, sort: [], filters: [], now: START });
      expect(found).toEqual({ results: [], total: 0 });
    });
  });

  describe(`metrics of a flow in ${name}`, () => {
    let queue: Written['queue'];
    let repository: Repository;
    const HOUR = 3_600_000;
    const DAY = 24 * HOUR;
    const source = { namespace: 'company.team', flowId: 'report' };

    beforeAll(async () => {
      ({ queue, repository } = await open());
      await queue.publish([
        metric('rows', { value: 4, timestamp: START }),
        metric('rows', { value: 6, timestamp: START + 1, taskId: 'task-1' }),
        metric('rows', { value: 1, timestamp: START + 2 * HOUR }),
        metric('bytes', { taskId: 'task-1' }),
        metric('rows', { value: 100, flowId: 'other' }),
        metric('rows', { value: 100, tenant: 'acme' }),
      ]);
    });
    afterAll(async () => {
      await repository.close();
      await queue.close();
    });

    it('have names and tasks', async () => {
      expect(await repository.metricNames(MAIN, source)).toEqual(['bytes', 'rows']);
      expect(await repository.metricNames(MAIN, { ...source, taskId: 'task-0' })).toEqual(['rows']);
      expect(await repository.metricTasks(MAIN, source)).toEqual(['task-0', 'task-1']);
      expect(await repository.metricNames(Scope.system('nobody'), source)).toEqual([]);
    });

    const values = async (
      from: number,
      before: number,
      aggregation: 'sum' | 'avg' | 'min' | 'max' = 'sum',
      taskId?: string,
    ) => {
      const query = { ...source, name: 'rows', aggregation, from, before, ...(taskId === undefined ? {} : { taskId }) };
      const { groupBy, aggregations } = await repository.aggregateMetric(MAIN, query);
      return [groupBy, aggregations.map(({ value }) => value ?? null)] as const;
    };
    const hour = Math.floor(START / HOUR) * HOUR;

    it.each([
      ['sum', [10, 0, 1]],
      ['avg', [5, null, 1]],
      ['min', [4, null, 1]],
      ['max', [6, null, 1]],
    ] as const)('are grouped as %s', async (aggregation, expected) => {
      const [groupBy, [first, second, third, ...others]] = await values(hour, hour + 7 * HOUR, aggregation);
      expect([groupBy, first, second, third]).toEqual(['hour', ...expected]);
      expect(others).toHaveLength(4);
    });

    it('of one task are its own', async () => {
      expect((await values(hour, hour + 7 * HOUR, 'sum', 'task-1'))[1][0]).toBe(6);
    });

    it.each([
      ['minute', 5 * HOUR],
      ['hour', 7 * HOUR],
      ['day', 10 * DAY],
      ['week', 200 * DAY],
      ['month', 400 * DAY],
    ])('are grouped by %s when the range is that long', async (groupBy, length) => {
      const [by, all] = await values(START - length + 3 * HOUR, START + 3 * HOUR);
      expect(by).toBe(groupBy);
      expect(all.reduce((sum: number, value) => sum + (value ?? 0), 0)).toBe(11);
    });

    it('are refused for a range that ends before it begins, or is too long', async () => {
      await expect(values(START, START)).rejects.toMatchObject({ code: 'INVALID_QUERY' });
      await expect(values(0, START)).rejects.toMatchObject({ code: 'INVALID_QUERY' });
    });
  });
}
