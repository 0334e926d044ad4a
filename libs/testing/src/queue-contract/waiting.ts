/// <reference types="jest" />
import type { Queue } from '@millrace/queue';
import type { MakeHarness } from './harness.js';
import { aJob, ledger } from './ledger.js';
import { collect, setUp, told, type Setting } from './setting.js';

/** What people who look after an installation can ask: who owns what, and how much waits. */
export function waitingContract(makeHarness: MakeHarness): void {
  let setting: Setting;
  beforeEach(() => (setting = setUp(makeHarness)));
  afterEach(() => setting.dispose());

  const waiting = async (queue: Queue, ...asked: Parameters<Queue['backlog']>): Promise<number> =>
    [...(await queue.backlog(...asked)).values()].reduce((sum, count) => sum + count, 0);

  it('counts events until the processor has applied them', async () => {
    const { queue } = await setting.start();
    const { events } = setting.topics;
    const notes = await collect(queue, setting.topics.notes);
    await queue.publish([1, 2, 3].map((amount) => ({ topic: events, key: 'a', value: { kind: 'add', amount } })));
    expect(await waiting(queue, events, 'ledger')).toBe(3);
    const running = await queue.process(ledger(setting.topics));
    await notes.until(told('added 3'));
    await setting.settle();
    await running.close();
    expect(await waiting(queue, events, 'ledger')).toBe(0);
    expect(await waiting(queue, events, 'another')).toBe(3);
  });

  it('tells which partitions a processor owns', async () => {
    const { queue } = await setting.start();
    const running = await queue.process(ledger(setting.topics));
    await setting.settle();
    expect(running.name).toBe('ledger');
    expect(running.partitions).toEqual(Array.from({ length: setting.topics.events.partitions }, (_, at) => at));
    await running.close();
    expect(running.partitions).toEqual([]);
  });

  it('counts jobs that wait for a worker which takes none before it may', async () => {
    const { queue } = await setting.start();
    const { jobs } = setting.topics;
    const ran: string[] = [];
    const worker = await queue.work({
      topic: jobs,
      instance: 'worker',
      slots: 1,
      paused: true,
      newToken: () => 'token',
      claimed: () => [],
      run: async ({ job }) => {
        ran.push(job.taskRunId);
        return [];
      },
    });
    await queue.publish(['1', '2'].map((name) => ({ topic: jobs, key: name, value: aJob(name) })));
    await setting.settle();
    expect([ran, await waiting(queue, jobs, '')]).toEqual([[], 2]);
    worker.resume();
    await setting.settle();
    expect([[...ran].sort(), await waiting(queue, jobs, '')]).toEqual([['1', '2'], 0]);
  });
}
