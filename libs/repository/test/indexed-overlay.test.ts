import * as fc from 'fast-check';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Scope } from '@millrace/authorization';
import { keyOf, seededRandom } from '@millrace/model';
import { createManualClock, type ManualClock } from '../../testing/src/queue-contract/index.js';
import { RepositoryError, repositoryOf, type Repository, type RepositoryPart } from '../src/index.js';
import { openIndexedOverlay } from '../src/overlay/index.js';
import { ALogQueue } from './a-log-queue.js';
import { answers } from './all-answers.js';
import { createdOf, headOf, logOf, START, topics } from './database.js';
import { History, Parts, type Logged } from './join-cases.js';

const MAIN = Scope.system('main');
const QUERY = { page: 1, size: 10, sort: [], filters: [], now: START };
const PARTITION = 1;

let parts: Parts;
let queue: ALogQueue;
let clock: ManualClock;
let index: ReturnType<Parts['growing']>;
beforeEach(() => begin());
afterEach(() => parts.remove());

function begin(): void {
  parts = new Parts();
  queue = new ALogQueue();
  clock = createManualClock(START);
  index = parts.growing();
}

const open = (rest: { readonly index?: RepositoryPart; readonly rowsMax?: number } = {}): Promise<Repository> =>
  openIndexedOverlay({
    queue,
    topics,
    clock,
    folder: parts.folder,
    index: index.part,
    onError: (error) => {
      throw error;
    },
    ...rest,
  });

const record = (topic: Logged['topic'], offset: number, key: string, id: string, value: unknown): Logged => ({
  topic,
  partition: PARTITION,
  key: keyOf('main', key),
  id,
  value,
  offset,
  position: topic.kind === 'events' ? offset + 1 : 0,
});
const head = (id: string, at: number, revision = 1): Logged =>
  record(topics.executions, at, id, 'head', headOf(id, { revision }));
const created = (id: string, at: number): Logged => record(topics.executions, at, id, 'created', createdOf(headOf(id)));
const log = (id: string, at: number): Logged => record(topics.logs, at, id, '', logOf(id, at));

/** Time goes on, and what is done then has been done. */
async function pass(ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 1_000) {
    clock.advance(1_000);
    for (let turns = 0; turns < 10; turns++) await nextTurn();
  }
}
const kept = (repository: Repository): number | undefined => repository.freshness().overlay?.rows;

describe('what is kept beside the index', () => {
  it('begins where the index is, and goes when it has been found there for a while', async () => {
    const all = [log('a', 0), log('a', 1), log('a', 2), log('a', 3)];
    queue.append(all, START);
    index.add(all.slice(0, 2));
    queue.searchable('logs', PARTITION, 2);
    const repository = await open();
    expect([kept(repository), (await repository.searchLogs(MAIN, QUERY)).total]).toEqual([2, 4]);
    index.add(all.slice(2));
    queue.searchable('logs', PARTITION, 4);
    await pass(9_000);
    expect([kept(repository), (await repository.searchLogs(MAIN, QUERY)).total]).toEqual([2, 4]);
    await pass(2_000);
    expect([kept(repository), (await repository.searchLogs(MAIN, QUERY)).total]).toEqual([0, 4]);
    queue.append([log('a', 4)], clock.now());
    expect((await repository.logs(MAIN, 'a', { limit: 10 })).map(({ place }) => place.position)).toEqual([
      1, 2, 3, 4, 5,
    ]);
    await repository.close();
  });

  it('is the row of a record that changed meanwhile', async () => {
    queue.append([head('a', 0), created('a', 1), head('a', 5, 2)], START);
    index.add([head('a', 0), created('a', 1)]);
    const repository = await open();
    queue.searchable('executions', PARTITION, 2);
    await pass(11_000);
    expect(repository.freshness().overlay).toMatchObject({ rows: 1, newerHeads: 1 });
    const { results } = await repository.searchExecutions(MAIN, QUERY);
    expect(results.map(({ head: { revision }, created: first }) => [revision, first?.kind])).toEqual([[2, 'created']]);
    await repository.close();
  });

  it('is bounded: the oldest goes, and lists say so until the index has it', async () => {
    const repository = await open({ rowsMax: 20 });
    for (let at = 0; at < 60; at++) queue.append([log('a', at)], START + at * 1_000);
    clock.advance(60_000);
    const page = await repository.searchLogs(MAIN, QUERY);
    expect(page).toMatchObject({ total: 20, behind: { seconds: 60 } });
    expect(page.behind?.reason).toMatch(/some of it is not shown/);
    index.add(queue.records);
    queue.searchable('logs', PARTITION, 60);
    expect(await repository.searchLogs(MAIN, QUERY)).toMatchObject({ total: 60 });
    expect(repository.freshness().behind).toBeUndefined();
    await repository.close();
  });
});

describe('how far the index is behind', () => {
  it('is the age of the oldest record that it does not show; nothing while nothing is written', async () => {
    const repository = await open();
    await pass(30_000);
    expect(repository.freshness()).toEqual({ overlay: { rows: 0, newerHeads: 0, oldestSeconds: 0 } });
    queue.append([log('a', 0)], clock.now());
    await repository.searchLogs(MAIN, QUERY);
    expect((await repository.searchLogs(MAIN, QUERY)).behind).toBeUndefined();
    await pass(5_000);
    queue.append([log('a', 1)], clock.now());
    expect((await repository.searchLogs(MAIN, QUERY)).behind).toMatchObject({ seconds: 5 });
    index.add(queue.records.slice(0, 1));
    queue.searchable('logs', PARTITION, 1);
    expect((await repository.searchLogs(MAIN, QUERY)).behind).toBeUndefined();
    await pass(3_000);
    expect(repository.freshness().behind).toMatchObject({ seconds: 3 });
    queue.searchable('logs', PARTITION, 2);
    expect(repository.freshness().behind).toBeUndefined();
    await repository.close();
  });
});

it('opens, and answers what was committed lately, while the index is away', async () => {
  const away = new Proxy(index.part, {
    get: (part, name) =>
      name === 'close'
        ? () => part.close()
        : async () => {
            throw new RepositoryError('UNAVAILABLE', 'Nobody answers at search:9200', true);
          },
  });
  queue.append([head('a', 0), created('a', 1), log('a', 0)], START);
  const repository = await open({ index: away });
  expect((await repository.execution(MAIN, 'a'))?.head.executionId).toBe('a');
  expect(await repository.searchExecutions(MAIN, QUERY)).toMatchObject({
    total: 1,
    behind: { reason: expect.stringMatching(/cannot be reached/) },
  });
  await repository.close();
});

it('every answer is that of all records, wherever the index is and however it goes on', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer(), async (seed) => {
      begin();
      const random = seededRandom(`overlay ${seed}`);
      const { records } = History.of(random, 40);
      const whole = parts.growing();
      /** What the index has of each partition. */
      const indexed = new Map<string, number>();
      let repository: Repository | undefined;
      for (let at = 0; at < records.length;) {
        const piece = records.slice(at, (at += 1 + Math.floor(random() * 30)));
        queue.append(piece, clock.now());
        whole.add(piece);
        for (const { topic, partition } of piece) {
          if (random() < 0.5) continue;
          const from = indexed.get(`${topic.name}/${partition}`) ?? 0;
          const ofPlace = queue.records.filter((one) => one.topic === topic && one.partition === partition);
          const news = ofPlace.filter(({ offset }) => offset >= from).slice(0, 1 + Math.floor(random() * 8));
          index.add(news);
          const searchable = (news.at(-1)?.offset ?? from - 1) + 1;
          indexed.set(`${topic.name}/${partition}`, searchable);
          // Now and then it was written, and nobody said so yet.
          if (random() < 0.7) queue.searchable(topic.name, partition, searchable);
        }
        repository ??= await open();
        await pass(random() < 0.5 ? 12_000 : 0);
        const expected = await answers(repositoryOf(whole.part), MAIN);
        for (const [asked, answer] of await answers(repository, MAIN)) {
          const shown = withoutBehind(answer);
          expect({ asked, answer: shown }).toEqual({ asked, answer: expected.get(asked) });
        }
      }
      await repository?.close();
      await parts.remove();
    }),
    { numRuns: 2 },
  );
  begin();
}, 120_000);

/** How late the index is depends on the case. */
function withoutBehind(answer: unknown): unknown {
  if (typeof answer !== 'object' || answer === null || !('behind' in answer)) return answer;
  const { behind: _behind, ...rest } = answer;
  return rest;
}
