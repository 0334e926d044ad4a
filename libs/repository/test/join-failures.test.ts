import { Scope } from '@millrace/authorization';
import { keyOf, type Clock } from '@millrace/model';
import { createManualClock } from '../../testing/src/queue-contract/index.js';
import { RepositoryError, repositoryOf, type RepositoryPart } from '../src/index.js';
import { joinParts, type JoinedParts, type RecentPart } from '../src/join/index.js';
import { createdOf, headOf, logOf, taskRunOf, topics } from './database.js';
import { Parts, type Logged } from './join-cases.js';

const MAIN = Scope.system('main');
const QUERY = { page: 1, size: 10, sort: [], filters: [], now: 0 };
const STILL: Clock = { now: () => 0, after: () => () => undefined };
const WHOLE = { from: 0, size: 10 };

const record = (topic: Logged['topic'], offset: number, key: string, id: string, value: unknown): Logged => ({
  topic,
  partition: 0,
  key: keyOf('main', key),
  id,
  value,
  offset,
  position: topic.kind === 'events' ? offset + 1 : 0,
});
const execution = (id: string, at: number): Logged[] => {
  const head = headOf(id, { sequence: 1 });
  return [
    record(topics.executions, at, id, 'head', head),
    record(topics.executions, at + 1, id, 'created', createdOf(head)),
    record(topics.taskRuns, at, id, 'run0', taskRunOf(id, 0)),
    record(topics.logs, at, id, '', logOf(id, at)),
  ];
};
const OLDER = execution('old', 0);
const NEWER = [...execution('new', 10), record(topics.executions, 20, 'old', 'head', headOf('old', { revision: 2 }))];
const STARTS = new Map([['logs/0', 5]]);

let parts: Parts;
let recent: RecentPart;
beforeEach(() => {
  parts = new Parts();
  recent = parts.recent(NEWER, STARTS);
});
afterEach(() => parts.remove());

/** A part of which every answer comes by way of `each`. */
const through = (part: RepositoryPart, each: (answer: () => unknown) => unknown): RepositoryPart =>
  new Proxy(part, {
    get: (target, name) => {
      const found: unknown = Reflect.get(target, name);
      return typeof found === 'function' && name !== 'close'
        ? (...given: unknown[]): unknown => each(() => Reflect.apply(found, target, given))
        : found;
    },
  });
const down = async (): Promise<never> => {
  throw new RepositoryError('UNAVAILABLE', 'Nobody answers at search:9200', true);
};

describe('while the index cannot be reached', () => {
  let joined: JoinedParts;
  beforeEach(() => {
    joined = joinParts(through(parts.index(OLDER), down), recent, { clock: STILL });
  });

  it('lists show what is newer, and say that there is more', async () => {
    const executions = await repositoryOf(joined).searchExecutions(MAIN, QUERY);
    expect(executions.results.map(({ head }) => head.executionId).sort()).toEqual(['new', 'old']);
    expect(executions.behind?.reason).toMatch(/cannot be reached/);
    const logs = await repositoryOf(joined).searchLogs(MAIN, QUERY);
    expect(logs).toMatchObject({ total: 1, results: [{ executionId: 'new' }] });
    expect(logs.behind?.reason).toMatch(/cannot be reached/);
    expect(joined.freshness().behind?.reason).toMatch(/cannot be reached/);
  });

  it('an execution that is here as a whole is answered, and its log', async () => {
    const found = await repositoryOf(joined).execution(MAIN, 'new');
    expect(found?.taskRuns.map(({ id }) => id)).toEqual(['run0']);
    expect((await joined.executionLogs(MAIN, 'new', { limit: 10 })).map(({ place }) => place.position)).toEqual([11]);
    expect((await joined.executionHead(MAIN, 'old'))?.revision).toBe(2);
  });

  it('an execution whose task run comes by while the index is asked is answered', async () => {
    let reads = 0;
    const late: RecentPart = {
      ...recent,
      search: (of, read) => recent.search(of, read),
      async records(scope, id) {
        const found = await recent.records(scope, id);
        if (id !== 'new' || ++reads > 1) return found;
        return { ...found, records: new Map([...found.records].filter(([, { kind }]) => kind !== 'task-run')) };
      },
    };
    const found = await joinParts(through(parts.index(OLDER), down), late, { clock: STILL }).executionRecords(
      MAIN,
      'new',
    );
    expect([reads, found?.has('run0')]).toEqual([2, true]);
  });

  it.each<[string, (part: JoinedParts) => Promise<unknown>]>([
    ['an execution of which a part is here', (part) => part.executionRecords(MAIN, 'old')],
    ['an unknown execution', (part) => part.executionHead(MAIN, 'unknown')],
    ['a count of what would be removed', (part) => part.countLogs(MAIN, {})],
    ['names', (part) => part.metricNames(MAIN, { namespace: 'company.team', flowId: 'report' })],
  ])('%s is refused, to be asked again', async (_what, ask) => {
    await expect(ask(joined)).rejects.toMatchObject({ code: 'UNAVAILABLE', retryable: true });
  });
});

it('an index that does not answer is not waited for longer than it may take, nor by everybody', async () => {
  const clock = createManualClock(0);
  let asked = 0;
  const silent = through(parts.index(OLDER), () => {
    asked++;
    return new Promise(() => undefined);
  });
  const joined = joinParts(silent, recent, { clock, patienceMs: 1_000 });
  const first = joined.searchLogs(MAIN, { ...QUERY }, WHOLE);
  while (asked === 0) await new Promise(setImmediate);
  clock.advance(1_000);
  expect((await first).behind?.reason).toMatch(/cannot be reached/);
  expect((await joined.searchLogs(MAIN, { ...QUERY }, WHOLE)).total).toBe(1);
  expect(asked).toBe(1);
});

it('one question that takes too long does not keep others from an index that answers them', async () => {
  const clock = createManualClock(0);
  let isSlow = true;
  const part = through(parts.index(OLDER), (answer) => (isSlow ? new Promise(() => undefined) : answer()));
  const joined = joinParts(part, recent, { clock, patienceMs: 1_000 });
  const slow = joined.executionRecords(MAIN, 'old');
  slow.catch(() => undefined);
  for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate);
  isSlow = false;
  // The records of one execution may take several requests.
  clock.advance(2_000);
  expect((await joined.searchLogs(MAIN, { ...QUERY }, WHOLE)).total).toBe(2);
  clock.advance(2_000);
  await expect(slow).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  expect((await joined.searchLogs(MAIN, { ...QUERY }, WHOLE)).total).toBe(2);
});

it('an index that is there again is asked again', async () => {
  const clock = createManualClock(0);
  let isDown = true;
  const part = through(parts.index(OLDER), (answer) => (isDown ? down() : answer()));
  const joined = joinParts(part, recent, { clock });
  expect((await joined.searchLogs(MAIN, { ...QUERY }, WHOLE)).total).toBe(1);
  isDown = false;
  clock.advance(1_000);
  const { total, behind } = await joined.searchLogs(MAIN, { ...QUERY }, WHOLE);
  expect({ total, behind }).toEqual({ total: 2, behind: undefined });
  expect(joined.freshness().behind).toBeUndefined();
});

it('what is wrong with a query is not taken for an index that is away', async () => {
  const joined = repositoryOf(joinParts(parts.index(OLDER), recent, { clock: STILL }));
  const wrong = { ...QUERY, sort: [{ field: 'colour', direction: 'asc' as const }] };
  await expect(joined.searchExecutions(MAIN, wrong)).rejects.toMatchObject({ code: 'INVALID_QUERY' });
  await expect(joined.searchLogs(MAIN, wrong)).rejects.toMatchObject({ code: 'INVALID_QUERY' });
});

it('more newer heads than the index can leave out are not asked for', async () => {
  const many = Array.from({ length: 10_001 }, (_, at) =>
    record(topics.executions, at + 100, `many${at}`, 'head', headOf(`many${at}`)),
  );
  const joined = joinParts(parts.index(OLDER), parts.recent(many, STARTS), { clock: STILL });
  const { total, behind } = await joined.searchExecutions(MAIN, { ...QUERY }, WHOLE);
  expect(total).toBe(1);
  expect(behind?.reason).toMatch(/only what it has/);
});
