import { decide, Scope, type Principal } from '@millrace/authorization';
import { isOperation, type LogPlace, type QueryFilter, type Repository, type SearchQuery } from '../src/index.js';
import { createSqlRepository } from '../src/sql/index.js';
import { createCopiedQueue } from './copied-queue.js';
import { createDatabase, headOf, historyOf, logOf, START, taskRunOf, type Filled } from './database.js';

const MAIN = Scope.system('main');

/** The scope of somebody who holds everything on `namespaces` of `main`. */
function scopeOn(...namespaces: readonly string[]): Scope {
  const principal: Principal = {
    id: 'p',
    username: 'p',
    active: true,
    superAdmin: false,
    tenants: ['main'],
    grants: namespaces.map((namespace) => ({ tenant: 'main', role: 'admin', namespace })),
  };
  const decision = decide(principal, { resource: 'EXECUTION', action: 'LIST' }, 'main');
  if (!decision.allowed) throw new Error(decision.hint);
  return decision.scope;
}

/** `field[OPERATION]=value`, `labels[OPERATION][key]=value`. */
function filter(text: string): QueryFilter {
  const [, field = '', operation = '', key, value = ''] = /^(\w+)\[(\w+)\](?:\[([^\]]*)\])?=(.*)$/.exec(text) ?? [];
  if (!isOperation(operation)) throw new Error(text);
  return { field, operation, value, ...(key === undefined ? {} : { key }) };
}

const query = (filters: readonly string[] = [], rest: Partial<SearchQuery> = {}): SearchQuery => ({
  page: 1,
  size: 100,
  sort: [],
  filters: filters.map(filter),
  now: START + 60_000,
  ...rest,
});

describe.each<[string, () => Filled]>([
  ['the embedded database', createDatabase],
  ["a webserver's copy of another queue", createCopiedQueue],
])('a repository on %s', (_name, create) => {
  const database = create();
  let repository: Repository;

  beforeAll(async () => {
    database.execution(headOf('e1', { labels: [{ key: 'team', value: 'red' }], sequence: 2 }));
    database.execution(
      headOf('e2', {
        namespace: 'company.team.sub',
        state: 'FAILED',
        histories: historyOf('CREATED', 'RUNNING', 'RUNNING', 'FAILED'),
        labels: [{ key: 'team', value: 'blue' }],
      }),
    );
    database.execution(
      headOf('e3', {
        namespace: 'company.teams',
        flowId: 'import',
        state: 'RUNNING',
        histories: [{ state: 'CREATED', date: START + 30_000 }],
        triggerExecutionId: 'e1',
      }),
    );
    database.execution(
      headOf('e4', {
        namespace: 'system',
        executionKind: 'TEST',
        histories: [
          { state: 'CREATED', date: START - 86_400_000 },
          { state: 'SUCCESS', date: START },
        ],
      }),
    );
    database.execution(headOf('e1', { tenant: 'acme', namespace: 'company.team', flowId: 'secret-of-acme' }));
    database.taskRun(taskRunOf('e1', 1));
    database.taskRun(taskRunOf('e1', 0, { outputs: { value: 1 } }));
    database.log(logOf('e1', 2));
    database.log(logOf('e1', 1));
    database.log(
      logOf('e1', 1, { taskRunSequence: 1, taskRunId: 'run1', taskId: 'task-1', level: 'ERROR', message: 'It broke' }),
    );
    database.log(logOf('e1', 9, { timestamp: START - 1, level: 'DEBUG', attempt: 2 }));
    database.log(logOf('e1', 1, { tenant: 'acme', message: 'secret of acme' }));
    database.log(logOf('e3', 1, { namespace: 'company.teams', timestamp: START + 30_000, level: 'WARN' }));
    for (const name of ['b', 'a']) {
      database.metric({
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
      });
    }
    await database.written();
    repository = await database.open();
  });

  afterAll(async () => {
    await repository.close();
    await database.remove();
  });

  describe('an execution by its id', () => {
    it('has its records, task runs in order of creation', async () => {
      const found = await repository.execution(MAIN, 'e1');
      expect(found).toMatchObject({
        head: { executionId: 'e1', flowId: 'report' },
        created: { inputs: { name: 'Ada' } },
        variables: { variables: { colour: 'blue' } },
      });
      expect(found?.taskRuns.map(({ taskId }) => taskId)).toEqual(['task-0', 'task-1']);
    });

    it('has a head, and all records for a copy', async () => {
      expect(await repository.executionHead(MAIN, 'e1')).toMatchObject({ executionId: 'e1', flowId: 'report' });
      const records = await repository.executionRecords(MAIN, 'e1');
      expect([...(records?.values() ?? [])].map(({ kind }) => kind).sort()).toEqual([
        'created',
        'head',
        'task-run',
        'task-run',
        'variables',
      ]);
      expect(records?.get('head')).toMatchObject({ executionId: 'e1' });
    });

    it.each([
      ['unknown', MAIN, 'e9'],
      ['of another tenant', Scope.system('nobody'), 'e1'],
      ['outside the namespaces of the scope', scopeOn('company.team.sub'), 'e1'],
      ['of a namespace that only begins alike', scopeOn('company.team'), 'e3'],
    ])('is not found when it is %s', async (_why, scope, id) => {
      expect(await repository.execution(scope, id)).toBeUndefined();
      expect(await repository.executionHead(scope, id)).toBeUndefined();
      expect(await repository.executionRecords(scope, id)).toBeUndefined();
    });

    it('is read in pages when it has many task runs', async () => {
      database.execution(headOf('large', { tenant: 'big' }));
      for (let at = 0; at < 2_500; at++) database.taskRun(taskRunOf('large', at, { tenant: 'big' }));
      await database.written();
      const found = await repository.execution(Scope.system('big'), 'large');
      expect(found?.taskRuns.map(({ sequence }) => sequence)).toEqual(Array.from({ length: 2_500 }, (_, at) => at));
    });
  });

  describe('a search for executions', () => {
    it.each<[string, string[]]>([
      ['', ['e3', 'e1', 'e2', 'e4']],
      ['state[EQUALS]=FAILED', ['e2']],
      ['state[IN]=FAILED,RUNNING', ['e3', 'e2']],
      ['state[NOT_IN]=FAILED,RUNNING', ['e1', 'e4']],
      ['namespace[EQUALS]=company.team', ['e1']],
      ['namespace[PREFIX]=company.team', ['e1', 'e2']],
      ['namespace[STARTS_WITH]=company.team', ['e3', 'e1', 'e2']],
      ['namespace[ENDS_WITH]=sub', ['e2']],
      ['namespace[CONTAINS]=team', ['e3', 'e1', 'e2']],
      ['flowId[NOT_EQUALS]=report', ['e3']],
      ['q[EQUALS]=IMPORT', ['e3']],
      ['q[EQUALS]=TEAM.s', ['e2']],
      ['q[EQUALS]=E1', ['e1']],
      ['q[CONTAINS]=1', []],
      ['flowId[REGEX]=rep.*', ['e1', 'e2', 'e4']],
      ['flowId[REGEX]=rep', []],
      ['namespace[REGEX]=company[.]team(s|[.]sub)', ['e3', 'e2']],
      ["q[EQUALS]=' or 1=1 --", []],
      ['q[EQUALS]=%', []],
      ['labels[EQUALS][team]=red', ['e1']],
      ['labels[EQUALS]=team:blue', ['e2']],
      ['labels[NOT_EQUALS][team]=red', ['e3', 'e2', 'e4']],
      ['labels[IN][team]=red,blue', ['e1', 'e2']],
      ['scope[EQUALS]=SYSTEM', ['e4']],
      ['scope[EQUALS]=USER', ['e3', 'e1', 'e2']],
      ['startDate[GREATER_THAN_OR_EQUAL_TO]=2026-11-22T10:00:30Z', ['e3']],
      ['startDate[LESS_THAN]=2026-11-22T11:00:00+01:00', ['e4']],
      ['endDate[GREATER_THAN]=2026-11-22T10:00:02Z', ['e2']],
      ['timeRange[EQUALS]=PT40S', ['e3']],
      ['triggerExecutionId[EQUALS]=e1', ['e3']],
      ['childFilter[EQUALS]=CHILD', ['e3']],
      ['childFilter[EQUALS]=MAIN', ['e1', 'e2', 'e4']],
      ['kind[EQUALS]=TEST', ['e4']],
      ['kind[EQUALS]=NORMAL', ['e3', 'e1', 'e2']],
      ['kind[NOT_IN]=NORMAL,PLAYGROUND', ['e4']],
    ])('by %s', async (text, ids) => {
      const found = await repository.searchExecutions(MAIN, query(text === '' ? [] : [text]));
      expect(found.results.map(({ head }) => head.executionId)).toEqual(ids);
      expect(found.total).toBe(ids.length);
    });

    it('combines filters with AND', async () => {
      const found = await repository.searchExecutions(
        MAIN,
        query(['namespace[PREFIX]=company.team', 'state[EQUALS]=SUCCESS']),
      );
      expect(found.results.map(({ head }) => head.executionId)).toEqual(['e1']);
    });

    it('counts and shows only what the scope covers', async () => {
      const found = await repository.searchExecutions(scopeOn('company.team'), query());
      expect(found.results.map(({ head }) => head.executionId)).toEqual(['e1', 'e2']);
      expect(found.total).toBe(2);
    });

    it('never shows another tenant', async () => {
      const found = await repository.searchExecutions(Scope.system('acme'), query());
      expect(found.results.map(({ head }) => head.flowId)).toEqual(['secret-of-acme']);
    });

    it('answers in pages, the total counting all of them', async () => {
      const pages = await Promise.all(
        [1, 2, 3].map((page) => repository.searchExecutions(MAIN, query([], { page, size: 2 }))),
      );
      expect(pages.map(({ results }) => results.map(({ head }) => head.executionId))).toEqual([
        ['e3', 'e1'],
        ['e2', 'e4'],
        [],
      ]);
      expect(pages.map(({ total }) => total)).toEqual([4, 4, 4]);
    });

    it.each<[string, 'asc' | 'desc', string[]]>([
      ['id', 'asc', ['e1', 'e2', 'e3', 'e4']],
      ['state.current', 'asc', ['e2', 'e3', 'e1', 'e4']],
      ['state.duration', 'desc', ['e4', 'e2', 'e1', 'e3']],
    ])('sorts by %s %s', async (field, direction, ids) => {
      const found = await repository.searchExecutions(MAIN, query([], { sort: [{ field, direction }] }));
      expect(found.results.map(({ head }) => head.executionId)).toEqual(ids);
    });

    it.each([
      ['an unknown field', query(['colour[EQUALS]=blue'])],
      ['a field of Object.prototype', query(['constructor[EQUALS]=blue'])],
      ['an operation that the field does not have', query(['startDate[CONTAINS]=2026'])],
      ['what is no regular expression', query(['flowId[REGEX]=('])],
      ['regular expressions on what has too many values', query(['state[REGEX]=.*'])],
      ['an unknown state', query(['state[EQUALS]=DREAMING'])],
      ['a malformed date', query(['startDate[EQUALS]=yesterday'])],
      ['a malformed duration', query(['timeRange[EQUALS]=one day'])],
      ['an unknown sort', query([], { sort: [{ field: 'value); drop table executions', direction: 'asc' }] })],
      ['page 0', query([], { page: 0 })],
      ['a huge page', query([], { page: 2 ** 53 })],
      ['size 0', query([], { size: 0 })],
      ['a size above the limit', query([], { size: 1_001 })],
      ['too many filters', query(Array.from({ length: 51 }, () => 'flowId[EQUALS]=x'))],
      ['too long a list', query([`flowId[IN]=${'x,'.repeat(300)}`])],
    ])('is refused for %s', async (_what, refused) => {
      await expect(repository.searchExecutions(MAIN, refused)).rejects.toMatchObject({ code: 'INVALID_QUERY' });
    });
  });

  describe('the log of an execution', () => {
    const lines = async (rest: object, scope = MAIN): Promise<string[]> =>
      (await repository.logs(scope, 'e1', { limit: 100, ...rest })).map(({ entry }) => entry.message);

    it('is in order of time, task run, line', async () => {
      expect(await lines({})).toEqual(['line 9', 'line 1', 'line 2', 'It broke']);
    });

    it.each<[object, string[]]>([
      [{ minLevel: 'WARN' }, ['It broke']],
      [{ taskRunId: 'run1' }, ['It broke']],
      [{ taskId: 'task-0' }, ['line 9', 'line 1', 'line 2']],
      [{ attempt: 2 }, ['line 9']],
    ])('is filtered by %j', async (by, expected) => expect(await lines(by)).toEqual(expected));

    it('goes on after a place', async () => {
      const read: string[] = [];
      for (let after = undefined as undefined | { after: LogPlace }; ;) {
        const page = await repository.logs(MAIN, 'e1', { limit: 1, ...after });
        const [last] = page;
        if (!last) break;
        read.push(last.entry.message);
        after = { after: last.place };
      }
      expect(read).toEqual(['line 9', 'line 1', 'line 2', 'It broke']);
    });

    it('is kept apart by tenant and namespace', async () => {
      expect(await lines({}, Scope.system('acme'))).toEqual(['secret of acme']);
      expect(await lines({}, scopeOn('company.teams'))).toEqual([]);
    });

    it('is searched over all executions', async () => {
      const found = await repository.searchLogs(MAIN, query(['level[EQUALS]=WARN']));
      expect(found.results.map(({ message, executionId }) => [executionId, message])).toEqual([
        ['e3', 'line 1'],
        ['e1', 'It broke'],
      ]);
    });

    it.each([
      ['it BROKE', 1],
      ['bro it', 1],
      ['roke', 0],
      ['broke-it!', 1],
      ['it broke down', 0],
      ['line', 4],
      ['9', 1],
      ['e1', 0],
      ['%', 5],
    ])('is searched by the beginnings of words: %s', async (text, total) => {
      expect((await repository.searchLogs(MAIN, query([`q[CONTAINS]=${text}`]))).total).toBe(total);
    });
  });

  it('the metrics of an execution are paged and sorted', async () => {
    const found = await repository.metrics(MAIN, 'e1', {
      page: 1,
      size: 1,
      sort: [{ field: 'name', direction: 'asc' }],
    });
    expect(found).toMatchObject({ total: 2, results: [{ name: 'a' }] });
  });
});

it('a database in which nothing was written answers nothing', async () => {
  const empty = createDatabase();
  for (const table of ['executions', 'task_runs', 'logs', 'metrics']) empty.database.exec(`drop table ${table}`);
  const reading = createSqlRepository({ file: empty.file });
  expect(await reading.execution(MAIN, 'e1')).toBeUndefined();
  expect(await reading.searchExecutions(MAIN, query())).toEqual({ results: [], total: 0 });
  await reading.close();
  await empty.remove();
});

it('a closed repository refuses searches', async () => {
  const database = createDatabase();
  const closed = createSqlRepository({ file: database.file });
  await closed.close();
  await expect(closed.searchExecutions(MAIN, query())).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  await database.remove();
});
