/// <reference types="jest" />
/* eslint-disable max-lines-per-function -- a suite is one function of many small tests */
import type { OutgoingRecord } from '@millrace/model';
import type { Queue, TakenJob, Worker } from '@millrace/queue';
import type { MakeHarness } from './harness.js';
import { aJob, type Note } from './ledger.js';
import { collect, setUp, texts, type Setting } from './setting.js';

/** Jobs and those who take them. */
export function workingContract(makeHarness: MakeHarness): void {
  let setting: Setting;
  let tokens = 0;
  beforeEach(() => (setting = setUp(makeHarness)));
  afterEach(() => setting.dispose());

  const note = (text: string): OutgoingRecord => ({
    topic: setting.topics.notes,
    key: 'a',
    value: { text, at: 0 } satisfies Note,
  });
  const give = (queue: Queue, ...names: readonly string[]) =>
    queue.publish(names.map((name) => ({ topic: setting.topics.jobs, key: name, value: aJob(name) })));

  const work = (
    queue: Queue,
    run: (taken: TakenJob) => Promise<readonly OutgoingRecord[]>,
    slots = 1,
    instance = 'worker',
  ): Promise<Worker> =>
    queue.work({
      topic: setting.topics.jobs,
      instance,
      slots,
      newToken: () => `token-${++tokens}`,
      claimed: ({ job }) => [note(`claimed ${job.taskRunId}`)],
      run,
    });

  it('gives each job to one of many workers, the oldest first', async () => {
    const { queue } = await setting.start();
    const names = Array.from({ length: 100 }, (_, n) => `job-${n}`);
    const ran: string[] = [];
    const notes = await collect(queue, setting.topics.notes);
    await give(queue, ...names);
    for (const instance of ['one', 'two', 'three']) {
      await work(
        queue,
        async ({ job }) => {
          ran.push(job.taskRunId);
          return [note(`ended ${job.taskRunId}`)];
        },
        4,
        instance,
      );
    }
    await notes.until((values) => values.filter(({ text }) => text.startsWith('ended')).length === 100);
    expect([...ran].sort()).toEqual([...names].sort());
    expect(ran[0]).toBe('job-0');
  });

  it('makes the claim durable before the job runs', async () => {
    const { queue } = await setting.start();
    const notes = await collect(queue, setting.topics.notes);
    const seen: (readonly string[])[] = [];
    await work(queue, async () => {
      // What is durable, not what this process happens to have read.
      const durable: string[] = [];
      const tail = await queue.tail(setting.topics.notes, {
        from: 'start',
        onRecord: ({ value }) => durable.push(value?.text ?? ''),
      });
      tail.close();
      seen.push(durable);
      return [note('ended')];
    });
    await give(queue, 'x');
    await notes.until((values) => values.length === 2);
    expect(seen).toEqual([['claimed x']]);
  });

  it('takes nothing while it is paused, and lets go on what runs', async () => {
    const { queue } = await setting.start();
    const notes = await collect(queue, setting.topics.notes);
    const ends: (() => void)[] = [];
    const worker = await work(
      queue,
      ({ job }) => new Promise((resolve) => ends.push(() => resolve([note(`ended ${job.taskRunId}`)]))),
      2,
    );
    await give(queue, 'x');
    await notes.until((values) => values.length === 1);
    worker.pause();
    await give(queue, 'y');
    await setting.settle();
    expect(texts(notes.values)).toEqual(['claimed x']);
    expect(worker.freeSlots).toBe(1);
    worker.resume();
    await notes.until((values) => values.some(({ text }) => text === 'claimed y'));
    await setting.settle();
    ends.forEach((end) => end());
    await notes.until((values) => values.length === 4);
  });

  it('takes no more jobs than it has slots', async () => {
    const { queue } = await setting.start();
    const open: (() => void)[] = [];
    const worker = await work(queue, () => new Promise((resolve) => open.push(() => resolve([]))), 2);
    await give(queue, '1', '2', '3');
    await setting.settle();
    expect([open.length, worker.freeSlots]).toEqual([2, 0]);
    open[0]?.();
    await setting.settle();
    expect([open.length, worker.freeSlots]).toEqual([3, 0]);
    open.forEach((end) => end());
    await setting.settle();
    expect(worker.freeSlots).toBe(2);
  });

  it('does not hold up behind a worker whose slots are taken what another could run', async () => {
    const { queue } = await setting.start();
    const notes = await collect(queue, setting.topics.notes);
    let end: () => void = () => undefined;
    await work(queue, ({ job }) => new Promise((resolve) => (end = () => resolve([note(`ended ${job.taskRunId}`)]))));
    await give(queue, 'long');
    await notes.until((values) => values.length === 1);
    // Half of the partitions, and what is put there while the other worker has not told of its slots yet, are the busy one's.
    const names = Array.from({ length: 20 }, (_, n) => `job-${n}`);
    await give(queue, ...names.slice(0, 10));
    const ran: string[] = [];
    await work(
      queue,
      async ({ job }) => {
        ran.push(job.taskRunId);
        return [note(`ended ${job.taskRunId}`)];
      },
      1,
      'other',
    );
    await give(queue, ...names.slice(10));
    await notes.until((values) => values.filter(({ text }) => text.startsWith('ended')).length === names.length);
    expect([...ran].sort()).toEqual([...names].sort());
    end();
    await notes.until(({ length }) => length === 2 * (names.length + 1));
  });

  it('runs one suspect at a time, and the others beside it', async () => {
    const { queue } = await setting.start();
    const running = new Map<string, () => void>();
    const most = { suspects: 0 };
    const isSuspect = (name: string): boolean => name.startsWith('suspect');
    await queue.work({
      topic: setting.topics.jobs,
      instance: 'worker',
      slots: 10,
      newToken: () => `token-${++tokens}`,
      claimed: () => [],
      isSuspect: ({ taskRunId }) => isSuspect(taskRunId),
      run: ({ job }) =>
        new Promise((resolve) => {
          running.set(job.taskRunId, () => {
            running.delete(job.taskRunId);
            resolve([]);
          });
          most.suspects = Math.max(most.suspects, [...running.keys()].filter(isSuspect).length);
        }),
    });
    const all = ['suspect-1', 'suspect-2', 'suspect-3'];
    await give(queue, ...all, 'other-1', 'other-2');
    for (let left = all.length; left > 0; left--) {
      await setting.settle();
      const [suspect] = [...running.keys()].filter(isSuspect);
      expect(suspect).toBeDefined();
      running.get(suspect ?? '')?.();
    }
    await setting.settle();
    expect(most.suspects).toBe(1);
    expect([...running.keys()].sort()).toEqual(['other-1', 'other-2']);
  });

  it('removes a job that nobody has taken', async () => {
    const { queue } = await setting.start();
    const ran: string[] = [];
    await give(queue, '1', '2');
    await queue.publish([{ topic: setting.topics.jobs, key: '1', value: null }]);
    await work(queue, async ({ job }) => {
      ran.push(job.taskRunId);
      return [];
    });
    await setting.settle();
    expect(ran).toEqual(['2']);
  });

  it('keeps waiting jobs over a restart, in their order', async () => {
    const first = await setting.start();
    await give(first.queue, '1', '2', '3');
    first.kill();
    const second = await setting.start();
    const ran: string[] = [];
    await work(second.queue, async ({ job }) => {
      ran.push(job.taskRunId);
      return [];
    });
    await setting.settle();
    expect(ran).toEqual(['1', '2', '3']);
  });

  it('does not give out again what a worker took that is gone; its claim is known', async () => {
    const first = await setting.start();
    const notes = await collect(first.queue, setting.topics.notes);
    await work(first.queue, () => new Promise(() => undefined));
    await give(first.queue, '1');
    await notes.until((values) => values.length === 1);
    await setting.settle();
    first.kill();
    const second = await setting.start();
    const ran: string[] = [];
    await work(second.queue, async ({ job }) => {
      ran.push(job.taskRunId);
      return [];
    });
    await setting.settle();
    expect(ran).toEqual([]);
    expect(texts(notes.values)).toEqual(['claimed 1']);
  });

  it('claims anew under another token what is handed over twice', async () => {
    let repeats = 1;
    const { queue } = await setting.start({ repeatJob: () => repeats-- > 0 });
    const taken: string[] = [];
    await work(queue, async ({ token }) => {
      taken.push(token);
      return [];
    });
    await give(queue, '1');
    await setting.settle();
    expect(new Set(taken).size).toBe(2);
  });

  it('says the claim again when the answer to its taking was lost, and runs the job once', async () => {
    let lost = true;
    const { queue } = await setting.start({
      after({ kind }) {
        if (kind !== 'take-jobs' || lost) return;
        lost = true;
        throw new Error('The connection broke');
      },
    });
    const ran: string[] = [];
    await work(queue, async ({ job }) => {
      ran.push(job.taskRunId);
      return [];
    });
    await setting.settle();
    lost = false;
    await give(queue, '1');
    await setting.settle();
    expect(ran).toEqual(['1']);
  });

  it('drains: takes nothing more and waits for what runs', async () => {
    const { queue } = await setting.start();
    const notes = await collect(queue, setting.topics.notes);
    let end: () => void = () => undefined;
    const worker = await work(queue, () => new Promise((resolve) => (end = () => resolve([note('ended')]))));
    await give(queue, '1', '2');
    await setting.settle();
    const drained = worker.drain();
    end();
    await drained;
    await setting.settle();
    expect(texts(notes.values)).toEqual(['claimed 1', 'ended']);
  });
}
