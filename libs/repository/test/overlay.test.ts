import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Scope } from '@millrace/authorization';
import { createTopics, keyOf, outgoing, type ExecutionHead, type OutgoingRecord, type TaskRun } from '@millrace/model';
import { createMemoryQueue, createMemoryStore, type MemoryQueue } from '@millrace/queue/memory';
import { systemClock } from '@millrace/service';
import type { Repository } from '../src/index.js';
import { openOverlay } from '../src/overlay/index.js';
import { createdOf, headOf, logOf, START, taskRunOf } from './database.js';

const MAIN = Scope.system('main');
const topics = createTopics({ executionPartitions: 3, resourcePartitions: 1 });
const QUERY = { page: 1, size: 10, sort: [], filters: [], now: START + 60_000 };

describe('the copy that a webserver keeps of a queue', () => {
  let folder: string;
  let queue: MemoryQueue;
  let overlay: Repository;

  const head = (value: ExecutionHead): OutgoingRecord =>
    outgoing({ topic: topics.executions, key: keyOf('main', value.executionId), id: 'head', value });
  const created = (of: ExecutionHead): OutgoingRecord =>
    outgoing({ topic: topics.executions, key: keyOf('main', of.executionId), id: 'created', value: createdOf(of) });
  const taskRun = (value: TaskRun): OutgoingRecord =>
    outgoing({ topic: topics.taskRuns, key: keyOf('main', value.executionId), id: value.id, value });
  const open = (): Promise<Repository> =>
    openOverlay({
      queue,
      topics,
      folder,
      clock: systemClock,
      onError: (error) => {
        throw error;
      },
    });

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'millrace-overlay-'));
    queue = createMemoryQueue({ store: createMemoryStore(), clock: systemClock });
    const [first, second] = [headOf('e1', { sequence: 2 }), headOf('e2', { state: 'FAILED' })];
    await queue.publish([
      head(first),
      created(first),
      taskRun(taskRunOf('e1', 0)),
      taskRun(taskRunOf('e1', 1)),
      head(second),
    ]);
    overlay = await open();
  });
  afterEach(async () => {
    await overlay.close();
    await queue.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('has what was committed before it was opened', async () => {
    const found = await overlay.execution(MAIN, 'e1');
    expect([found?.head.state, found?.created?.inputs, found?.taskRuns.length]).toEqual([
      'SUCCESS',
      { name: 'Ada' },
      2,
    ]);
    const { results, total } = await overlay.searchExecutions(MAIN, QUERY);
    expect([total, results.map(({ head: { executionId } }) => executionId).sort()]).toEqual([2, ['e1', 'e2']]);
  });

  it('shows what was committed before it was asked', async () => {
    for (let n = 0; n < 50; n++) {
      await queue.publish([
        head(headOf(`new-${n}`, { sequence: 0 })),
        outgoing({ topic: topics.logs, key: keyOf('main', `new-${n}`), value: logOf(`new-${n}`, 1) }),
      ]);
      expect((await overlay.execution(MAIN, `new-${n}`))?.head.executionId).toBe(`new-${n}`);
      expect(await overlay.logs(MAIN, `new-${n}`, { limit: 10 })).toHaveLength(1);
    }
  });

  it('follows changes and removals', async () => {
    await queue.publish([head(headOf('e2', { state: 'SUCCESS', revision: 2 }))]);
    expect((await overlay.execution(MAIN, 'e2'))?.head.state).toBe('SUCCESS');
    await queue.publish([{ topic: topics.executions, key: keyOf('main', 'e2'), id: 'head', value: null }]);
    expect(await overlay.execution(MAIN, 'e2')).toBeUndefined();
  });

  it('shows nothing of another tenant', async () => {
    expect(await overlay.execution(Scope.system('acme'), 'e1')).toBeUndefined();
    expect((await overlay.searchExecutions(Scope.system('acme'), QUERY)).total).toBe(0);
  });

  it('removes its files when it is closed, and those that a dead process has left', async () => {
    // No process has this id: it is beyond what any system gives.
    mkdirSync(join(folder, 'overlay-99999999-left'));
    const second = await open();
    expect(readdirSync(folder)).toHaveLength(2);
    await second.close();
    await overlay.close();
    expect(readdirSync(folder)).toEqual([]);
    overlay = await open();
  });
});
