import { describeWithElasticsearch } from '../../testing/test/with-servers.js';
import { Scope } from '@millrace/authorization';
import { STATES, type ExecutionHead, type MetricEntry } from '@millrace/model';
import { defaultCacheFolder, startElasticsearch } from '@millrace/testing/servers';
import type { ElasticsearchServer } from '@millrace/testing/servers';
import {
  AGGREGATIONS,
  OPERATIONS,
  RepositoryError,
  type QueryFilter,
  type Repository,
  type SearchQuery,
} from '../src/index.js';
import { createDatabase, headOf, logOf, START, triggerOf, type Filled } from './database.js';
import { createIndexed } from './indexed.js';

jest.setTimeout(420_000);

const MAIN = Scope.system('main');
/** `EQUALITY_EXECUTIONS=5000` compares more. */
const EXECUTIONS = Number(process.env['EQUALITY_EXECUTIONS'] ?? 2_000);
const COMBINATIONS = 150;
const DAY = 86_400_000;

/** The same numbers in every run. */
function seeded(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

type Random = ReturnType<typeof seeded>;
const chosen = <One>(random: Random, ...some: readonly [One, ...One[]]): One => some[random(some.length)] ?? some[0];
const placeOf = (random: Random) => ({
  namespace: chosen(random, 'a', 'a.b', 'a.bc', 'A.b', 'system', 'system.x'),
  flowId: chosen(random, 'one', 'two', 'One-2'),
});

function fill(filled: Filled): void {
  const random = seeded(7);
  const ids: string[] = [];
  for (let at = 0; at < EXECUTIONS; at++) {
    const start = START - random(90 * DAY);
    const id = `${random(36 ** 4).toString(36)}${at}`;
    const place = placeOf(random);
    fillExecution(filled, random, headOf(id, place), start, ids);
    const level = chosen(random, 'TRACE', 'INFO', 'ERROR' as const);
    const message = chosen(random, 'It broke: no file', 'Größe GRÖSSE', 'a_b-c 10.0.0.1', 'broken\nBroke-it', '…');
    filled.log(
      logOf(id, at, { ...place, level, message, timestamp: start, ...(random(2) ? { triggerId: 'daily' } : {}) }),
    );
    for (let metric = random(3); metric > 0; metric--) fillMetric(filled, random, { ...place, executionId: id }, start);
    ids.push(id);
  }
  for (let at = 0; at < 300; at++) fillTrigger(filled, random, `${chosen(random, 'daily', 'Daily', 'hook')}-${at}`);
}

function fillExecution(
  filled: Filled,
  random: Random,
  head: ExecutionHead,
  start: number,
  ids: readonly string[],
): void {
  const kind = chosen(random, undefined, undefined, 'TEST' as const, 'PLAYGROUND' as const);
  const parent = chosen(random, undefined, undefined, 'p1', 'p2', ids[random(ids.length)]);
  filled.execution({
    ...head,
    state: chosen(random, 'SUCCESS', 'FAILED', ...STATES),
    histories: [
      { state: 'CREATED', date: start },
      { state: 'RUNNING', date: start + random(1_000) },
    ],
    labels: [
      { key: chosen(random, 'team', 'te', 'a=b'), value: chosen(random, 'red', 'blue', 'r*d', 'b?\\') },
      { key: 'n', value: String(random(3)) },
    ],
    ...(parent === undefined ? {} : { triggerExecutionId: parent }),
    ...(kind === undefined ? {} : { executionKind: kind }),
  });
}

function fillMetric(
  filled: Filled,
  random: Random,
  of: Pick<MetricEntry, 'namespace' | 'flowId' | 'executionId'>,
  start: number,
): void {
  const task = random(3);
  filled.metric({
    ...of,
    tenant: 'main',
    taskId: `task-${task}`,
    taskRunId: `run${task}`,
    type: chosen(random, 'counter', 'timer' as const),
    name: chosen(random, 'rows', 'bytes', 'Rows', 'größe'),
    // Sums of halves are the same in every order.
    value: random(1_000) / 2,
    tags: {},
    timestamp: start + random(60_000),
  });
}

function fillTrigger(filled: Filled, random: Random, triggerId: string): void {
  const { nextExecutionDate: _next, ...rest } = triggerOf(triggerId, {
    ...placeOf(random),
    disabled: random(3) === 0,
    date: START - random(90 * DAY),
  });
  filled.trigger({ ...rest, ...(random(3) === 0 ? {} : { nextExecutionDate: START - random(90 * DAY) }) });
}

const VALUES: Readonly<Record<string, readonly string[]>> = {
  q: ['bro', 'A.B', 'größe', 'b c', '1', '*', ''],
  scope: ['SYSTEM', 'USER,SYSTEM'],
  namespace: ['a', 'a.b', 'A', 'a.b,system', 'a[.]b.*', '*'],
  flowId: ['one', 'O', 'two,one', '(?i)one.*'],
  triggerId: ['daily', 'd.*'],
  state: ['SUCCESS', 'FAILED,RUNNING'],
  level: ['INFO'],
  kind: ['NORMAL', 'TEST,PLAYGROUND'],
  startDate: [new Date(START - 20 * DAY).toISOString()],
  endDate: [new Date(START - 20 * DAY).toISOString()],
  timeRange: ['P30D'],
  triggerExecutionId: ['p1', 'p1,p2'],
  childFilter: ['CHILD', 'MAIN'],
  workerId: ['w'],
  triggerState: ['ENABLED', 'DISABLED'],
  executionId: ['1', 'a.*'],
  labels: ['team:red', 'team:r*d', 'te:b', 'team:red,blue', 'a=b:b?\\', 'n'],
};

const TRIGGER_SORTS = ['triggerId', 'flowId', 'namespace', 'executionId', 'date', 'nextExecutionDate', 'disabled'];
const LOG_SORTS = ['timestamp', 'level', 'namespace', 'flowId', 'executionId'];
const METRIC_SORTS = ['name', 'timestamp', 'value', 'taskId', 'type'];
const SORTS = ['startDate', 'endDate', 'state.current', 'state.duration', 'namespace', 'flowId', 'id'];

/** What a repository answers; of a refusal its message. */
async function answer(asked: Promise<unknown>): Promise<unknown> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof RepositoryError && error.code === 'INVALID_QUERY') return error.message;
    throw error;
  }
}

describeWithElasticsearch('SQL and Elasticsearch answer alike', () => {
  let server: ElasticsearchServer;
  let stores: readonly Filled[] = [];
  let repositories: readonly Repository[] = [];
  beforeAll(async () => {
    server = await startElasticsearch({ cacheFolder: defaultCacheFolder(process.env) });
    stores = [createDatabase(), createIndexed(() => server.url)];
    for (const store of stores) {
      fill(store);
      await store.written();
    }
    repositories = await Promise.all(stores.map((store) => store.open()));
  });
  afterAll(async () => {
    for (const repository of repositories) await repository.close();
    for (const store of stores) await store.remove();
    await server?.stop();
  });

  const alike = async (ask: (repository: Repository) => Promise<unknown>): Promise<void> => {
    const [sql, elasticsearch] = await Promise.all(repositories.map((repository) => answer(ask(repository))));
    expect(elasticsearch).toEqual(sql);
  };
  const query = (rest: Partial<SearchQuery>): SearchQuery => ({
    page: 1,
    size: 20,
    sort: [],
    filters: [],
    now: START,
    ...rest,
  });

  it.each(Object.keys(VALUES))('filtered by %s', async (field) => {
    for (const value of VALUES[field] ?? []) {
      for (const operation of OPERATIONS) {
        const filters = [{ field, operation, value }];
        await alike((repository) => repository.searchExecutions(MAIN, query({ filters })));
        await alike((repository) => repository.searchLogs(MAIN, query({ filters })));
        await alike((repository) => repository.searchTriggers(MAIN, query({ filters })));
      }
    }
  });

  it.each(SORTS)('sorted by %s', async (field) => {
    for (const direction of ['asc', 'desc'] as const)
      for (const page of [1, 2, 30])
        await alike((repository) => repository.searchExecutions(MAIN, query({ page, sort: [{ field, direction }] })));
  });

  it.each(LOG_SORTS)('logs sorted by %s', async (field) => {
    for (const direction of ['asc', 'desc'] as const)
      for (const page of [1, 30]) {
        // Their places in a log, which are the last to decide, are not the same in both.
        const sort = [
          { field, direction },
          { field: 'executionId', direction: 'asc' },
        ] as const;
        await alike((repository) => repository.searchLogs(MAIN, query({ page, sort })));
      }
  });

  it.each(TRIGGER_SORTS)('triggers sorted by %s', async (field) => {
    for (const direction of ['asc', 'desc'] as const)
      for (const page of [1, 2, 15])
        await alike((repository) => repository.searchTriggers(MAIN, query({ page, sort: [{ field, direction }] })));
  });

  type Ask = (repository: Repository, query: SearchQuery) => Promise<{ readonly total: number }>;

  /** Every filter that a search takes. */
  const takenBy = async (ask: Ask): Promise<readonly QueryFilter[]> => {
    const taken: QueryFilter[] = [];
    const [sql] = repositories;
    if (sql === undefined) return taken;
    for (const [field, values] of Object.entries(VALUES))
      for (const operation of OPERATIONS)
        for (const value of values) {
          const filter = { field, operation, value };
          if (typeof (await answer(ask(sql, query({ size: 1, filters: [filter] })))) !== 'string') taken.push(filter);
        }
    return taken;
  };

  it.each<[string, readonly string[], Ask]>([
    ['executions', SORTS, (repository, asked) => repository.searchExecutions(MAIN, asked)],
    ['logs', ['executionId'], (repository, asked) => repository.searchLogs(MAIN, asked)],
    ['triggers', TRIGGER_SORTS, (repository, asked) => repository.searchTriggers(MAIN, asked)],
  ])('%s by several filters and sorts at once', async (_what, sorts, ask) => {
    const random = seeded(11);
    const taken = await takenBy(ask);
    let found = 0;
    for (let at = 0; at < COMBINATIONS; at++) {
      const filters = Array.from({ length: 2 + random(3) }, () => taken[random(taken.length)]).filter(
        (filter) => filter !== undefined,
      );
      const sort = Array.from({ length: random(3) }, () => ({
        field: sorts[random(sorts.length)] ?? 'id',
        direction: chosen<'asc' | 'desc'>(random, 'asc', 'desc'),
      }));
      const page = 1 + random(2);
      await alike(async (repository) => {
        const answered = await ask(repository, query({ page, filters, sort }));
        if (answered.total > 0) found++;
        return answered;
      });
    }
    // Else it would show nothing; both are counted.
    expect(found).toBeGreaterThan(COMBINATIONS / 5);
  });

  it('metrics of an execution and of a flow', async () => {
    const [sql] = repositories;
    const found = await sql?.searchExecutions(MAIN, query({ size: 50 }));
    for (const { head } of found?.results ?? [])
      for (const field of METRIC_SORTS)
        await alike((repository) =>
          repository.metrics(MAIN, head.executionId, { page: 1, size: 2, sort: [{ field, direction: 'desc' }] }),
        );
    const source = { namespace: 'a.b', flowId: 'one' };
    for (const asked of [source, { ...source, taskId: 'task-1' }]) {
      await alike((repository) => repository.metricNames(MAIN, asked));
      for (const aggregation of AGGREGATIONS)
        for (const days of [1, 7, 60, 90]) {
          const range = { from: START - days * DAY, before: START + 1 };
          await alike((repository) =>
            repository.aggregateMetric(MAIN, { ...asked, ...range, name: 'rows', aggregation }),
          );
        }
    }
    await alike((repository) => repository.metricTasks(MAIN, source));
    expect(await sql?.metricNames(MAIN, source)).not.toEqual([]);
  });

  it('counts', async () => {
    for (const selection of [
      {},
      { namespace: 'a' },
      { namespace: 'a.b', flowId: 'one' },
      { before: START - 30 * DAY },
    ]) {
      await alike((repository) => repository.countLogs(MAIN, selection));
      await alike((repository) => repository.countMetrics(MAIN, selection));
    }
  });
});
