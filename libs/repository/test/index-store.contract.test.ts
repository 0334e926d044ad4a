import { describeWithElasticsearch } from '../../testing/test/with-servers.js';
import { Scope } from '@millrace/authorization';
import { keyOf, outgoing, type OutgoingRecord } from '@millrace/model';
import { defaultCacheFolder, startElasticsearch } from '@millrace/testing/servers';
import type { ElasticsearchServer } from '@millrace/testing/servers';
import { createElasticsearchPart, createIndexStore, type ElasticsearchConnection } from '../src/elasticsearch/index.js';
import { repositoryOf, type IndexStore, type Repository } from '../src/index.js';
import { createdOf, headOf, logOf, START, taskRunOf, topics } from './database.js';
import { connectTo, IndexWriter } from './indexed.js';

jest.setTimeout(420_000);

const MAIN = Scope.system('main');
const DAY = 86_400_000;
const KINDS = ['executions', 'execution-records', 'task-runs', 'logs', 'metrics', 'triggers'];
const QUERY = { page: 1, size: 10, sort: [], filters: [], now: START };

const log = (id: string, line: number, timestamp: number): OutgoingRecord =>
  outgoing({ topic: topics.logs, key: keyOf('main', id), value: logOf(id, line, { timestamp }) });

const metric = (timestamp: number): OutgoingRecord =>
  outgoing({
    topic: topics.metrics,
    key: keyOf('main', 'e1'),
    value: {
      tenant: 'main',
      namespace: 'company.team',
      flowId: 'report',
      executionId: 'e1',
      taskId: 'task-0',
      taskRunId: 'run0',
      type: 'counter',
      name: 'rows',
      value: 1,
      tags: {},
      timestamp,
    },
  });

/** All that there is of an execution that began then. */
function execution(id: string, began: number, isEnded = true): readonly OutgoingRecord[] {
  const key = keyOf('main', id);
  const histories = [
    { state: 'CREATED', date: began },
    { state: isEnded ? 'SUCCESS' : 'RUNNING', date: began + 1_000 },
  ] as const;
  const head = headOf(id, { state: isEnded ? 'SUCCESS' : 'RUNNING', histories, sequence: 1 });
  const taskRun = taskRunOf(id, 0, { histories });
  return [
    outgoing({ topic: topics.executions, key, id: 'head', value: head }),
    outgoing({ topic: topics.executions, key, id: 'created', value: createdOf(head) }),
    outgoing({ topic: topics.taskRuns, key, id: taskRun.id, value: taskRun }),
  ];
}

describeWithElasticsearch('the index on a real node', () => {
  let server: ElasticsearchServer;
  let connection: ElasticsearchConnection;
  let store: IndexStore;
  let writer: IndexWriter;
  let repository: Repository;
  beforeAll(async () => {
    server = await startElasticsearch({ cacheFolder: defaultCacheFolder(process.env) });
  });
  beforeEach(async () => {
    connection = connectTo(server.url);
    store = createIndexStore({ connection });
    await store.prepare();
    writer = new IndexWriter(store);
    repository = repositoryOf(createElasticsearchPart(connection));
  });
  afterEach(() => connection.close());
  afterAll(() => server?.stop());

  /** Names of all indices, without the prefix. */
  const indices = async (): Promise<readonly string[]> => {
    const path = `/${encodeURIComponent(`${connection.indexPrefix}*`)}/_alias`;
    return Object.keys((await connection.request({ method: 'GET', path })) as object)
      .map((name) => name.slice(connection.indexPrefix.length))
      .sort();
  };
  /** Names of all templates, without the prefix, and whether searches see what is made of them. */
  const templates = async (): Promise<ReadonlyMap<string, boolean>> => {
    const path = `/_index_template/${encodeURIComponent(`${connection.indexPrefix}*`)}`;
    const { index_templates: found } = (await connection.request({ method: 'GET', path })) as {
      readonly index_templates: readonly {
        readonly name: string;
        readonly index_template: { readonly template: { readonly aliases?: object } };
      }[];
    };
    return new Map(
      found
        .map(({ name, index_template: { template } }): [string, boolean] => [
          name.slice(connection.indexPrefix.length),
          template.aliases !== undefined,
        ])
        .sort(([one], [other]) => (one < other ? -1 : 1)),
    );
  };
  const allPublished = (generation: number): ReadonlyMap<string, boolean> =>
    new Map(
      KINDS.map((kind): [string, boolean] => [`${kind}-v${generation}`, true]).sort(([one], [other]) =>
        one < other ? -1 : 1,
      ),
    );
  const lines = async (): Promise<readonly number[]> =>
    (await repository.searchLogs(MAIN, QUERY)).results.map(({ lineNumber }) => lineNumber).sort();

  describe('a generation', () => {
    it('is a copy that no search sees before it is published, and then the only one', async () => {
      await writer.write([...execution('e1', START), log('e1', 1, START)]);
      const next = await store.nextGeneration();
      expect(next.generation).toBe(2);
      await next.write('logs', writer.logged([log('e1', 2, START)]));
      await next.refresh('all');
      expect(await lines()).toEqual([1]);
      await next.publish();
      expect(await lines()).toEqual([1, 2]);
      expect((await repository.execution(MAIN, 'e1'))?.taskRuns).toHaveLength(1);
      expect((await indices()).every((name) => name.includes('-v2'))).toBe(true);
      expect(await templates()).toEqual(allPublished(2));
      const opened = createIndexStore({ connection });
      await opened.prepare();
      expect(opened.generation).toBe(2);
      // Of a day that has no index yet.
      await new IndexWriter(opened).write([log('e9', 9, START + 3 * DAY)]);
      expect(await lines()).toEqual([1, 2, 9]);
    });

    it('that was left half filled is made anew', async () => {
      await writer.write([log('e1', 1, START)]);
      const left = await store.nextGeneration();
      await left.write('logs', writer.logged([log('left', 5, START)]));
      const next = await store.nextGeneration();
      await next.refresh('all');
      await next.publish();
      expect(await lines()).toEqual([1]);
    });

    it('that is being filled is not shown by a server that starts, nor by one that stops half way', async () => {
      await writer.write([log('e1', 1, START)]);
      const next = await store.nextGeneration();
      for (const generation of [undefined, 2, 1]) {
        const starting = createIndexStore({ connection, ...(generation === undefined ? {} : { generation }) });
        await starting.prepare();
        expect(starting.generation).toBe(generation ?? 1);
      }
      await next.write('logs', writer.logged([log('e2', 2, START + 5 * DAY)]));
      await next.refresh('all');
      expect(await lines()).toEqual([1]);
      expect((await templates()).get('logs-v2')).toBe(false);
    });
  });

  describe('a server that starts while a generation is published', () => {
    /** The request at which the other generation is published: everything before it was read or written before. */
    const publishedAt = (
      isMoment: (method: string, path: string) => boolean,
      next: IndexStore,
    ): ElasticsearchConnection => {
      let publishing: Promise<void> | undefined;
      return {
        ...connection,
        async request(request) {
          if (publishing === undefined && isMoment(request.method, decodeURIComponent(request.path)))
            await (publishing = next.publish());
          return connection.request(request);
        },
      };
    };

    it.each<[string, number | undefined, (method: string, path: string) => boolean]>([
      ['before it looks for the template', undefined, (method, path) => method === 'GET' && path.includes('_template')],
      ['before it makes indices', undefined, (method, path) => method === 'PUT' && path.endsWith('triggers-v1')],
      ['before it brings mappings up to date', undefined, (_method, path) => path.endsWith('_mapping')],
      ['and is told the new one, before it looks', 2, (method, path) => method === 'GET' && path.includes('_template')],
      [
        'and is told the new one, before it makes indices',
        2,
        (method, path) => method === 'PUT' && path.includes('-v2'),
      ],
    ])('%s leaves searches with the new one alone', async (_when, generation, isMoment) => {
      await writer.write([log('e1', 1, START)]);
      const next = await store.nextGeneration();
      const starting = createIndexStore({
        connection: publishedAt(isMoment, next),
        ...(generation === undefined ? {} : { generation }),
      });
      await starting.prepare();
      expect(starting.generation).toBe(2);
      expect(await templates()).toEqual(allPublished(2));
      expect((await indices()).filter((name) => !name.includes('-v2'))).toEqual([]);
      await new IndexWriter(starting).write([log('e2', 2, START + 7 * DAY)]);
      expect(await lines()).toEqual([1, 2]);
    });

    it('and would write an older template over it, looks again', async () => {
      await writer.write([log('e1', 1, START)]);
      const next = await store.nextGeneration();
      // As a server with other settings does it.
      const other: ElasticsearchConnection = { ...connection, replicas: 1 };
      let isFirst = true;
      const delayed: ElasticsearchConnection = {
        ...other,
        async request(request) {
          // It has read the template, and writes it when the other one has written its own.
          if (isFirst && request.method === 'PUT' && request.path.includes('logs-v2')) {
            isFirst = false;
            await next.publish();
          }
          return connection.request(request);
        },
      };
      await createIndexStore({ connection: delayed, generation: 2 }).prepare();
      expect(isFirst).toBe(false);
      expect(await templates()).toEqual(allPublished(2));
      await new IndexWriter(next).write([log('e2', 2, START + 7 * DAY)]);
      expect(await lines()).toEqual([1, 2]);
    });
  });

  it('indices of an older version get the fields that they do not have, and keep what is in them', async () => {
    const name = `${connection.indexPrefix}logs-v1-2026.11.22`;
    await connection.request({
      method: 'PUT',
      path: `/_index_template/${connection.indexPrefix}logs-v1`,
      body: {
        index_patterns: [`${connection.indexPrefix}logs-v1-*`],
        priority: 500,
        template: {
          mappings: {
            dynamic: false,
            _meta: { millrace: { version: 0 } },
            properties: { tenant: { type: 'keyword' }, record: { type: 'keyword', index: false, doc_values: false } },
          },
          aliases: { [`${connection.indexPrefix}logs`]: {} },
        },
        _meta: { millrace: { version: 0 } },
      },
    });
    await writer.write([log('e1', 1, START)]);
    const filters = [{ field: 'q', operation: 'EQUALS', value: 'line' }] as const;
    const found = async (): Promise<number> => (await repository.searchLogs(MAIN, { ...QUERY, filters })).total;
    expect(await found()).toBe(0);
    const newer = createIndexStore({ connection });
    await newer.prepare();
    await writer.write([log('e1', 2, START), log('e1', 3, START + DAY)]);
    expect(await found()).toBe(2);
    expect((await repository.searchLogs(MAIN, QUERY)).total).toBe(3);
    const mapping = (await connection.request({ method: 'GET', path: `/${name}/_mapping` })) as Record<
      string,
      { readonly mappings: { readonly _meta: object } }
    >;
    expect(mapping[name]?.mappings._meta).toEqual({ millrace: { version: 1 } });
  });

  it('makes searchable what it has written itself, or what another has that is gone', async () => {
    const other = createIndexStore({ connection });
    await other.prepare();
    const found = async (): Promise<number> => (await repository.searchExecutions(MAIN, QUERY)).total;
    await other.write('executions', writer.logged(execution('a', START)).slice(0, 1));
    await store.refresh('mine');
    expect(await found()).toBe(0);
    await store.write('executions', writer.logged(execution('b', START)).slice(0, 1));
    await store.refresh('mine');
    // Of the same index, so the other's as well.
    expect(await found()).toBe(2);
    await other.write('executions', writer.logged(execution('c', START - 60 * DAY)).slice(0, 1));
    await store.refresh('mine');
    expect(await found()).toBe(2);
    await store.refresh('all');
    expect(await found()).toBe(3);
  });

  describe('retention', () => {
    it('drops days of logs and months of metrics that lie before the limit as a whole', async () => {
      const midnight = Date.UTC(2026, 10, 22);
      await writer.write([
        log('e1', 1, midnight - 2 * DAY),
        log('e1', 2, midnight - 1),
        log('e1', 3, midnight),
        metric(Date.UTC(2026, 9, 31, 23, 59)),
        metric(Date.UTC(2026, 10, 1)),
      ]);
      const dated = async (): Promise<readonly string[]> =>
        (await indices()).filter((name) => /^(logs|metrics)/.test(name));
      expect(await dated()).toHaveLength(5);
      // In the middle of a day: the day stays.
      expect(await store.removeOlderThan({ logs: midnight - 2 * DAY + 5, metrics: START })).toEqual({ removed: 1 });
      expect(await dated()).toEqual([
        'logs-v1-2026.11.20',
        'logs-v1-2026.11.21',
        'logs-v1-2026.11.22',
        'metrics-v1-2026.11',
      ]);
      expect(await store.removeOlderThan({ logs: midnight })).toEqual({ removed: 2 });
      expect(await dated()).toEqual(['logs-v1-2026.11.22', 'metrics-v1-2026.11']);
      expect(await lines()).toEqual([3]);
      expect(await repository.countMetrics(MAIN, {})).toBe(1);
    });

    it('removes ended executions with all that belongs to them, and leaves what runs', async () => {
      const old = START - 90 * DAY;
      await writer.write([
        ...execution('old', old),
        ...execution('oldest', old - 60 * DAY),
        ...execution('runs', old, false),
        ...execution('new', START),
      ]);
      // Of each the head, what it was created with, and a task run.
      expect(await store.removeOlderThan({ executions: START - 30 * DAY })).toEqual({ removed: 6 });
      await store.refresh('all');
      const { results, total } = await repository.searchExecutions(MAIN, QUERY);
      expect([total, ...results.map(({ head: { executionId } }) => executionId)]).toEqual([2, 'new', 'runs']);
      for (const [id, taskRuns] of [
        ['old', undefined],
        ['oldest', undefined],
        ['runs', 1],
        ['new', 1],
      ] as const)
        expect((await repository.execution(MAIN, id))?.taskRuns.length).toBe(taskRuns);
      // A month in which nothing is left goes as a whole.
      expect((await indices()).filter((name) => /^(executions|task-runs)/.test(name))).toEqual([
        'executions-v1-2026.08',
        'executions-v1-2026.11',
        'task-runs-v1-2026.08',
        'task-runs-v1-2026.11',
      ]);
    });
  });
});
