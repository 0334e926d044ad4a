import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Scope } from '@millrace/authorization';
import { keyOf, outgoing, type Clock, type OutgoingRecord, type Topic } from '@millrace/model';
import type { Committed, Queue, Tail, TailOptions } from '@millrace/queue';
import { createMemoryQueue, type MemoryQueue } from '@millrace/queue/memory';
import { createSqlCopy, type CopiedRecord } from '@millrace/queue/sql';
import type { Repository } from '../src/index.js';
import { Copying } from '../src/overlay/copying.js';
import { openOverlay } from '../src/overlay/index.js';
import { createdOf, headOf, logOf, taskRunOf, topics } from './database.js';

const MAIN = Scope.system('main');
const QUERY = { page: 1, size: 10, sort: [], filters: [], now: 0 };
/** Nothing here may be settled by waiting: no timer ever ends. */
const STILL: Clock = { now: () => 0, after: () => () => undefined };
const refuse = (error: unknown): never => {
  throw error;
};

let folder: string;
let queue: MemoryQueue;
const opened: Repository[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'overlay-consistency-'));
  queue = createMemoryQueue({ clock: STILL });
});
afterEach(async () => {
  for (const repository of opened.splice(0)) await repository.close();
  await queue.close();
  rmSync(folder, { recursive: true, force: true });
});

const open = async (options: Partial<Parameters<typeof openOverlay>[0]> = {}): Promise<Repository> => {
  const overlay = await openOverlay({ queue, topics, folder, clock: STILL, onError: refuse, ...options });
  opened.push(overlay);
  return overlay;
};
const head = (id: string, rest: Parameters<typeof headOf>[1] = {}): OutgoingRecord =>
  outgoing({ topic: topics.executions, key: keyOf('main', id), id: 'head', value: headOf(id, rest) });
const created = (id: string): OutgoingRecord =>
  outgoing({ topic: topics.executions, key: keyOf('main', id), id: 'created', value: createdOf(headOf(id)) });
const taskRun = (id: string, sequence: number, rest: Parameters<typeof taskRunOf>[2] = {}): OutgoingRecord => {
  const value = taskRunOf(id, sequence, rest);
  return outgoing({ topic: topics.taskRuns, key: keyOf('main', id), id: value.id, value });
};
const log = (id: string, line: number): OutgoingRecord =>
  outgoing({ topic: topics.logs, key: keyOf('main', id), value: logOf(id, line) });

describe('what a tail of the same process was told', () => {
  it.each(['before', 'after'] as const)('is found by searches, when the tail was opened %s the copy', async (order) => {
    const totals: Promise<number>[] = [];
    const listen = async (): Promise<void> => {
      let seen: Repository | undefined;
      await queue.tail(topics.logs, {
        onRecord() {
          seen ??= opened[0];
          if (!seen) throw new Error('The copy is not open yet');
          totals.push(seen.searchExecutions(MAIN, QUERY).then(({ total }) => total));
          totals.push(seen.searchLogs(MAIN, QUERY).then(({ total }) => total));
        },
      });
    };
    if (order === 'before') await listen();
    await open();
    if (order === 'after') await listen();
    for (let n = 1; n <= 20; n++) {
      await queue.publish([head(`e${n}`), created(`e${n}`), log(`e${n}`, 1)]);
      expect(await Promise.all(totals.splice(0))).toEqual([n, n]);
    }
  });
});

describe('an execution whose task runs come by after its head', () => {
  /** The task runs of a commit are read only when the reader is asked to catch up for the second time. */
  function readApart(): Pick<Queue, 'tail'> {
    return {
      async tail<Value>(topic: Topic<Value>, options: TailOptions<Value>): Promise<Tail> {
        if (topic.name !== topics.taskRuns.name) return queue.tail(topic, options);
        const held: Committed<Value>[] = [];
        let asked = 0;
        const tail = await queue.tail(topic, { ...options, onRecord: (record) => void held.push(record) });
        return {
          async caughtUp() {
            asked++;
            if (asked % 2 === 0) for (const record of held.splice(0)) options.onRecord(record);
          },
          close: () => tail.close(),
        };
      },
    };
  }

  it.each([
    ['the last record of a task run is missing', {}],
    ['something runs after the execution', { progress: { ...headOf('').progress, active: 1 } }],
  ])('is shown whole when %s', async (_why, rest) => {
    const overlay = await open({ queue: readApart() });
    await queue.publish([head('e1', { sequence: 2, ...rest }), taskRun('e1', 0), taskRun('e1', 1)]);
    expect((await overlay.execution(MAIN, 'e1'))?.taskRuns.map(({ state }) => state)).toEqual(['SUCCESS', 'SUCCESS']);
  });
});

it('a read ends while records keep coming', async () => {
  let tell: (record: Committed<unknown>) => void = refuse;
  let going = true;
  const overlay = await open({
    queue: {
      async tail<Value>(topic: Topic<Value>, { onRecord }: TailOptions<Value>): Promise<Tail> {
        if (topic.name === topics.logs.name)
          tell = (record) => onRecord({ ...record, value: topic.decode(record.value) });
        return { caughtUp: async () => undefined, close: () => undefined };
      },
    },
  });
  /** Each turn brings more than is applied in one; after so many it stops by itself. */
  const [perTurn, turnsMax] = [1_200, 400];
  let [line, turns] = [0, 0];
  const coming = (async () => {
    for (; going && turns < turnsMax; turns++) {
      for (const end = line + perTurn; line < end; line++)
        tell({ key: keyOf('main', 'e1'), id: '', value: logOf('e1', line), partition: 0, position: line + 1 });
      await nextTurn();
    }
  })();
  await overlay.logs(MAIN, 'e1', { limit: 1 });
  going = false;
  await coming;
  expect(turns).toBeLessThan(turnsMax);
});

it('a record that somebody else wrote is passed and said; what comes with it is shown', async () => {
  const said: object[] = [];
  const overlay = await open({ log: { error: (fields) => void said.push(fields) } });
  const foreign = [
    { topic: topics.logs, key: keyOf('main', 'e1'), id: '', value: { tenant: true, level: 'INFO' } },
    { topic: topics.executions, key: keyOf('main', 'e2'), id: 'head', value: { kind: 'head', tenant: 'main' } },
  ].map((record) => ({ ...record, topic: { ...record.topic, columns: {}, decode: (stored: unknown) => stored } }));
  await queue.publish([head('e1'), log('e1', 1), ...foreign, log('e1', 2)]);
  expect((await overlay.logs(MAIN, 'e1', { limit: 10 })).map(({ entry }) => entry.lineNumber)).toEqual([1, 2]);
  expect((await overlay.execution(MAIN, 'e1'))?.head.executionId).toBe('e1');
  expect(said).toMatchObject([{ topic: 'logs', reason: expect.stringContaining('boolean') }, { topic: 'executions' }]);
});

describe('a copy of a queue', () => {
  const records: CopiedRecord[] = Array.from({ length: 100 }, (_, at) => ({
    topic: topics.logs,
    key: keyOf('main', 'e1'),
    id: '',
    value: logOf('e1', at),
    partition: 0,
    position: at + 1,
  }));
  const copy = () =>
    createSqlCopy({ folder, topics: [topics.logs], now: () => 0, onRefused: (_record, reason) => refuse(reason) });

  it('applies no more in one go than it is given time for, and at least one', () => {
    const made = copy();
    let left = 30;
    expect(made.apply(records, () => --left === 0)).toBe(30);
    expect(made.apply(records.slice(30), () => true)).toBe(1);
    expect(made.apply(records.slice(31), () => false)).toBe(69);
    made.close();
  });

  it('is not taken for left over while it is in use, whatever the process is called', () => {
    const first = copy();
    // As after a restart in a container, where each process has the same id.
    mkdirSync(join(folder, `overlay-${process.pid}-left`));
    const second = copy();
    expect(readdirSync(folder)).toHaveLength(2);
    expect(first.apply(records, () => false)).toBe(100);
    first.close();
    first.close();
    second.close();
    expect(readdirSync(folder)).toEqual([]);
  });

  it('that cannot be kept is said once, and what there is stays readable', async () => {
    const made = copy();
    const errors: unknown[] = [];
    const full = Object.assign(new Error('database or disk is full'), { code: 'SQLITE_FULL' });
    const broken = { ...made, apply: () => refuse(full) };
    const copying = new Copying({
      source: {
        follow: (topic, onRecord, onError) =>
          queue.tail(topic, { from: 'start', onRecord: (record) => onRecord({ ...record, topic }), onError }),
      },
      topics,
      clock: STILL,
      copy: broken,
      onError: (error) => errors.push(error),
    });
    await copying.open();
    await queue.publish([log('e1', 1), log('e1', 2)]);
    await copying.caughtUp('logs');
    await queue.publish([log('e1', 3)]);
    await copying.received();
    expect(errors).toEqual([full]);
    made.close();
  });
});
