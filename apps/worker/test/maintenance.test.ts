import { LATEST, MAINTENANCE_KEY, outgoing } from '@millrace/model';
import { gate, pluginOf } from './plugins.js';
import { aJob, settle, startWorker, stopWorkers, topics, type RecordingQueue } from './support.js';

afterEach(stopWorkers);

const task = { type: 'test.Task' };

/** What the owner of the mode commits. */
const maintain = async (queue: RecordingQueue, active: boolean): Promise<void> => {
  const maintenance = { active, by: 'ada', since: 1 };
  await queue.publish([
    outgoing({
      topic: topics.resources,
      key: MAINTENANCE_KEY,
      id: LATEST,
      value: { kind: 'maintenance', maintenance },
    }),
  ]);
  await settle();
};

const statesOf = ({ heartbeats }: RecordingQueue): readonly string[] =>
  heartbeats.flatMap((event) => (event.kind === 'heartbeat' ? [event.service.state] : []));

describe('a worker in maintenance mode', () => {
  it('finishes what it runs, takes nothing new, and goes on when the mode is left', async () => {
    const go = gate();
    const { queue, submit } = await startWorker({
      plugins: [pluginOf(() => go.opened.then(() => ({ outputs: {} })))],
      slots: 4,
    });
    const first = aJob(task);
    await submit(first);
    await queue.event('job-claimed');
    await maintain(queue, true);
    await submit(aJob(task, { taskRunId: 'second' }));
    await settle();
    expect(queue.events('job-claimed')).toHaveLength(1);
    expect(statesOf(queue).at(-1)).toBe('MAINTENANCE');
    go.open();
    await queue.event('job-ended');
    await settle();
    expect(queue.events('job-claimed')).toHaveLength(1);
    await maintain(queue, false);
    await queue.event('job-ended', ({ taskRunId }) => taskRunId === 'second');
    expect(statesOf(queue).at(-1)).toBe('RUNNING');
  });
});
