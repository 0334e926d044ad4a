import { createTopics, type Clock, type ServiceEvent } from '@millrace/model';
import { createMemoryQueue } from '@millrace/queue/memory';
import { createScheduler } from '@millrace/scheduler';
import { createMetrics, type Logger } from '@millrace/service';

const clock: Clock = { now: () => 1_000, after: () => () => undefined };
const log: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => log,
};

it('a scheduler takes part in the cluster until it is stopped', async () => {
  const topics = createTopics({ executionPartitions: 1, resourcePartitions: 1 });
  const queue = createMemoryQueue({ clock });
  const beats: ServiceEvent[] = [];
  await queue.tail(topics.serviceEvents, { onRecord: ({ value }) => void (value && beats.push(value)) });
  const context = { instance: 's1', clock, log, metrics: createMetrics({ process: false }) };
  const scheduler = createScheduler({ context, queue, topics });
  await scheduler.start();
  expect(beats).toMatchObject([
    { kind: 'heartbeat', service: { instance: 's1', role: 'scheduler', state: 'RUNNING' } },
  ]);
  await scheduler.stop();
  expect(beats.at(-1)).toMatchObject({
    kind: 'heartbeat',
    service: { instance: 's1', state: 'TERMINATED_GRACEFULLY' },
  });
  await queue.close();
});

it('a scheduler that never started can be stopped', async () => {
  const topics = createTopics({ executionPartitions: 1, resourcePartitions: 1 });
  const queue = createMemoryQueue({ clock });
  const context = { instance: 's1', clock, log, metrics: createMetrics({ process: false }) };
  await createScheduler({ context, queue, topics }).stop();
  await queue.close();
});
