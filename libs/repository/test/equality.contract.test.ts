import { Scope } from '@millrace/authorization';
import { STATES } from '@millrace/model';
import { defaultCacheFolder, missingForElasticsearch, startElasticsearch } from '@millrace/testing/servers';
import type { ElasticsearchServer } from '@millrace/testing/servers';
import { OPERATIONS, RepositoryError, type Repository, type SearchQuery } from '../src/index.js';
import { createDatabase, headOf, logOf, START, type Filled } from './database.js';
import { createIndexed } from './indexed.js';

jest.setTimeout(420_000);

const MAIN = Scope.system('main');
const EXECUTIONS = 1_000;

/** The same numbers in every run. */
function seeded(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

function fill(filled: Filled): void {
  const random = seeded(7);
  const of = <One>(...some: readonly [One, ...One[]]): One => some[random(some.length)] ?? some[0];
  for (let at = 0; at < EXECUTIONS; at++) {
    const start = START - random(90 * 86_400_000);
    const id = `${random(36 ** 4).toString(36)}${at}`;
    const place = { namespace: of('a', 'a.b', 'a.bc', 'A.b', 'system', 'system.x'), flowId: of('one', 'two', 'One-2') };
    const kind = of(undefined, undefined, 'TEST' as const, 'PLAYGROUND' as const);
    filled.execution(
      headOf(id, {
        ...place,
        state: of('SUCCESS', 'FAILED', ...STATES),
        histories: [
          { state: 'CREATED', date: start },
          { state: 'RUNNING', date: start + random(1_000) },
        ],
        labels: [
          { key: of('team', 'te', 'a=b'), value: of('red', 'blue', 'r*d', 'b?\\') },
          { key: 'n', value: String(random(3)) },
        ],
        ...(random(3) === 0 ? { triggerExecutionId: of('p1', 'p2') } : {}),
        ...(kind === undefined ? {} : { executionKind: kind }),
      }),
    );
    const level = of('TRACE', 'INFO', 'ERROR' as const);
    const message = of('It broke: no file', 'Größe GRÖSSE', 'a_b-c 10.0.0.1', 'broken\nBroke-it', '…');
    filled.log(
      logOf(id, at, { ...place, level, message, timestamp: start, ...(random(2) ? { triggerId: 'daily' } : {}) }),
    );
  }
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
  startDate: [new Date(START - 20 * 86_400_000).toISOString()],
  endDate: [new Date(START - 20 * 86_400_000).toISOString()],
  timeRange: ['P30D'],
  triggerExecutionId: ['p1', 'p1,p2'],
  childFilter: ['CHILD', 'MAIN'],
  labels: ['team:red', 'team:r*d', 'te:b', 'team:red,blue', 'a=b:b?\\', 'n'],
};

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

const missing = missingForElasticsearch();
const isWanted = process.env['ADAPTERS']?.split(',').includes('elasticsearch') ?? true;
const run = isWanted && (missing === undefined || process.env['CI'] === 'true') ? describe : describe.skip;

run('SQL and Elasticsearch answer alike', () => {
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
      }
    }
  });

  it.each(SORTS)('sorted by %s', async (field) => {
    for (const direction of ['asc', 'desc'] as const)
      for (const page of [1, 2, 30])
        await alike((repository) => repository.searchExecutions(MAIN, query({ page, sort: [{ field, direction }] })));
  });
});
