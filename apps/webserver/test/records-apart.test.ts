import { Scope } from '@millrace/authorization';
import {
  EXECUTION_FORMAT,
  NO_PROGRESS,
  type Clock,
  type ExecutionCreated,
  type ExecutionHead,
  type LogEntry,
  type State,
  type TaskRun,
} from '@millrace/model';
import { RepositoryError, type ExecutionRecords, type Repository } from '@millrace/repository';
import { createExecutions } from '../src/executions/executions.js';
import { followExecution, followLog } from '../src/executions/follow.js';
import type { Live, LogListener, RecordListener } from '../src/executions/live.js';
import type { EventStream } from '../src/http/server-sent-events.js';

// What was committed together is read apart where topics are read apart: here the head always comes by first, and the rest
// only to whoever catches up.

const MAIN = Scope.system('main');
const names = { tenant: 'main', executionId: 'e1', namespace: 'a', flowId: 'b' } as const;
const head = (state: State): ExecutionHead => ({
  kind: 'head',
  format: EXECUTION_FORMAT,
  ...names,
  flowRevision: 1,
  state,
  histories: [{ state, date: 0 }],
  labels: [],
  originalId: 'e1',
  attemptNumber: 1,
  generation: 0,
  sequence: 1,
  progress: NO_PROGRESS,
  claims: {},
  retrying: 0,
  revision: state === 'RUNNING' ? 1 : 2,
});
const created: ExecutionCreated = { kind: 'created', ...names, flowRevision: 1, inputs: {}, originalId: 'e1' };
const taskRun = (state: State): TaskRun => ({
  kind: 'task-run',
  id: 't1',
  ...names,
  taskId: 'say',
  section: 'tasks',
  lane: 0,
  index: 0,
  sequence: 0,
  state,
  histories: [{ state, date: 0 }],
  attempts: [],
  revision: state === 'RUNNING' ? 1 : 2,
});
const line: LogEntry = {
  ...names,
  taskId: 'say',
  taskRunId: 't1',
  timestamp: 0,
  level: 'INFO',
  message: 'hello',
  taskRunSequence: 0,
  lineNumber: 1,
};

/** Pauses are over at once; limits of time never are. */
const clock: Clock = {
  now: () => 0,
  after(ms, run) {
    if (ms < 1_000) setImmediate(run);
    return () => undefined;
  },
};

/** An execution that runs, and ends when it is told to. */
function createScene() {
  let records: ExecutionRecords = { head: head('RUNNING'), created, taskRuns: [taskRun('RUNNING')] };
  let lines: readonly LogEntry[] = [];
  const recordListeners = new Set<RecordListener>();
  const logListeners = new Set<LogListener>();
  let ended = false;
  const live: Live = {
    onRecord(_tenant, _id, listener) {
      recordListeners.add(listener);
      return () => recordListeners.delete(listener);
    },
    onLog(_tenant, _id, listener) {
      logListeners.add(listener);
      return () => logListeners.delete(listener);
    },
    async caughtUp() {
      if (!ended) return;
      records = { ...records, taskRuns: [taskRun('SUCCESS')] };
      lines = [line];
      for (const listener of recordListeners) listener(taskRun('SUCCESS'));
    },
    close: () => undefined,
  };
  const repository: Repository = {
    execution: async () => records,
    executionHead: async () => undefined,
    executionRecords: async () => undefined,
    logs: async () =>
      lines.map((entry) => ({ entry, place: { timestamp: 0, taskRunSequence: 0, lineNumber: 1, position: 1 } })),
    searchExecutions: async () => ({ results: [], total: 0 }),
    searchLogs: async () => ({ results: [], total: 0 }),
    metrics: async () => ({ results: [], total: 0 }),
    searchTriggers: async () => ({ results: [], total: 0 }),
    trigger: async () => undefined,
    countLogs: async () => 0,
    countMetrics: async () => 0,
    metricNames: async () => [],
    metricTasks: async () => [],
    aggregateMetric: async () => ({ groupBy: 'day', aggregations: [] }),
    freshness: () => ({}),
    close: async () => undefined,
  };
  const sent: (readonly [string, unknown])[] = [];
  const gone = new AbortController();
  let onStart = (): void => undefined;
  const started = new Promise<void>((resolve) => (onStart = resolve));
  const stream: EventStream = {
    signal: gone.signal,
    send(id, data) {
      sent.push([id, data]);
      onStart();
    },
    drained: async () => undefined,
    close: () => gone.abort(),
  };
  return {
    options: { repository, live, clock },
    sent,
    stream,
    started,
    begin(): void {
      for (const record of [created, head('RUNNING'), taskRun('RUNNING')])
        for (const listener of recordListeners) listener(record);
    },
    end(): void {
      ended = true;
      records = { ...records, head: head('SUCCESS') };
      for (const listener of recordListeners) listener(head('SUCCESS'));
    },
  };
}

describe('when an end comes by before what was committed with it', () => {
  it('following the execution ends with all of it', async () => {
    const { options, stream, sent, started, end } = createScene();
    const following = followExecution(options, MAIN, 'e1', stream);
    await started;
    end();
    await following;
    const [id, data] = sent.at(-1) ?? [];
    expect(id).toBe('end');
    expect(data).toMatchObject({ state: { current: 'SUCCESS' }, taskRunList: [{ state: { current: 'SUCCESS' } }] });
    // At no time an ended execution with a task that runs.
    const contradictions = sent.filter(([, shown]) => /"SUCCESS".*"current":"RUNNING"/.test(JSON.stringify(shown)));
    expect(contradictions).toEqual([]);
  });

  it('following the log ends with all lines', async () => {
    const { options, stream, sent, started, end } = createScene();
    const following = followLog(options, MAIN, { executionId: 'e1' }, stream);
    await started;
    end();
    await following;
    expect(sent.map(([id]) => id)).toEqual(['start', 'progress', 'end']);
  });

  it('waiting for the execution answers all of it', async () => {
    const { options, begin, end } = createScene();
    const { ended } = createExecutions(options).awaitEnd(MAIN, 'e1');
    begin();
    end();
    expect((await ended)?.taskRuns.map(({ state }) => state)).toEqual(['SUCCESS']);
  });
});

describe('while the index is away', () => {
  const away = new RepositoryError('UNAVAILABLE', 'Nobody answers at search:9200', true);

  it('an execution that has just begun elsewhere is waited for', async () => {
    const { options, begin } = createScene();
    let hasBegun = false;
    const repository: Repository = {
      ...options.repository,
      async execution(scope, id) {
        if (hasBegun) return options.repository.execution(scope, id);
        throw away;
      },
    };
    const live: Live = {
      ...options.live,
      onRecord(tenant, id, listener) {
        const stop = options.live.onRecord(tenant, id, listener);
        setImmediate(() => {
          hasBegun = true;
          begin();
        });
        return stop;
      },
    };
    const found = await createExecutions({ ...options, repository, live }).get(MAIN, 'e1');
    expect(found.head.executionId).toBe('e1');
  });

  it('one that nobody saw begin is refused, to be asked again, and not called unknown', async () => {
    const { options } = createScene();
    const repository: Repository = { ...options.repository, execution: () => Promise.reject(away) };
    const impatient: Clock = { ...clock, after: (_ms, run) => (setImmediate(run), () => undefined) };
    const asked = createExecutions({ ...options, repository, clock: impatient }).get(MAIN, 'e1');
    await expect(asked).rejects.toBe(away);
  });
});
