import {
  createTopics,
  flowKey,
  LATEST,
  outgoing,
  revisionId,
  triggersKey,
  TRIGGERS_OF_FLOW,
  type ExecutionEvent,
  type ExecutionWanted,
  type Flow,
  type ServiceEvent,
  type TriggerDefinition,
} from '@millrace/model';
import { createTaskTypeRegistry } from '@millrace/plugin-api';
import type { Queue } from '@millrace/queue';
import { createMemoryQueue, createMemoryStore } from '@millrace/queue/memory';
import { createScheduler } from '@millrace/scheduler';
import { createMetrics, type Logger, type Service } from '@millrace/service';
import { createVirtualClock, type VirtualClock } from '@millrace/testing';

const log: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => log,
};
const topics = createTopics({ executionPartitions: 1, resourcePartitions: 3 });
const registry = createTaskTypeRegistry([]);
const START = Date.parse('2024-01-01T10:00:00.500Z');

const flowOf = (id: string, triggers: readonly object[], revision = 1): Flow => ({
  tenant: 'main',
  namespace: 'demo',
  id,
  revision,
  source: '',
  definition: { id, namespace: 'demo', tasks: [], triggers: triggers as TriggerDefinition[] },
  deleted: false,
  updated: START,
});
const EACH_SECOND = {
  id: 't',
  type: 'core.trigger.Schedule',
  cron: '* * * * * *',
  withSeconds: true,
  allowConcurrent: true,
};

/** A queue that outlives servers, and schedulers on it. */
function installation() {
  const clock: VirtualClock = createVirtualClock({ start: START });
  const shared = createMemoryStore();
  const store = createMemoryQueue({ clock, store: shared });
  const wanted: ExecutionWanted[] = [];
  let count = 0;
  const scheduler = (queue: Queue = store): Service =>
    createScheduler({
      context: { instance: `s${++count}`, clock, log, metrics: createMetrics({ process: false }) },
      queue,
      topics,
      registry,
      timeZone: 'UTC',
    });
  const save = (flow: Flow): Promise<void> => {
    const key = flowKey(flow.tenant, flow.namespace, flow.id);
    const value = { kind: 'flow', flow } as const;
    return store.publish([
      outgoing({ topic: topics.resources, key, id: revisionId(flow.revision), value }),
      outgoing({ topic: topics.resources, key, id: LATEST, value }),
    ]);
  };
  const news = ({ tenant, namespace, id: flowId, revision, deleted }: Flow): Promise<void> =>
    store.publish([
      outgoing({
        topic: topics.triggerEvents,
        key: triggersKey(tenant, namespace, flowId),
        value: { kind: 'flow-changed', tenant, namespace, flowId, revision, deleted, at: clock.now() },
      }),
    ]);
  const follow = (): Promise<unknown> =>
    store.tail(topics.executionEvents, {
      from: 'start',
      onRecord: ({ value }: { value: ExecutionEvent | null }) =>
        void (value?.kind === 'execution-wanted' && wanted.push(value)),
    });
  const run = (seconds: number): Promise<boolean> => clock.runUntil(() => false, clock.now() + seconds * 1_000);
  const dates = (flowId: string): string[] =>
    wanted.filter((one) => one.flowId === flowId).map(({ trigger }) => String(trigger.variables['date']).slice(17, 19));
  return { clock, shared, store, scheduler, save, news, follow, run, dates, wanted };
}

it('takes part in the cluster until it is stopped', async () => {
  const { store, scheduler } = installation();
  const beats: ServiceEvent[] = [];
  await store.tail(topics.serviceEvents, { onRecord: ({ value }) => void (value && beats.push(value)) });
  const one = scheduler();
  await one.start();
  expect(beats).toMatchObject([
    { kind: 'heartbeat', service: { instance: 's1', role: 'scheduler', state: 'RUNNING' } },
  ]);
  await one.stop();
  expect(beats.at(-1)).toMatchObject({
    kind: 'heartbeat',
    service: { instance: 's1', state: 'TERMINATED_GRACEFULLY' },
  });
  await store.close();
});

it('that never started can be stopped', async () => {
  const { store, scheduler } = installation();
  await scheduler().stop();
  await store.close();
});

it('starts executions at the dates of saved flows', async () => {
  const { store, scheduler, save, news, follow, run, dates, wanted } = installation();
  await follow();
  await scheduler().start();
  const flow = flowOf('etl', [EACH_SECOND]);
  await news(flow);
  // The view of flows lags behind the news: it is waited for.
  await run(0.2);
  await save(flow);
  await run(3);
  expect(dates('etl')).toEqual(['01', '02', '03']);
  expect(wanted[0]).toMatchObject({ flowRevision: 1, trigger: { id: 't', hasState: true } });
  await store.close();
});

it('begins with flows that were saved before there was a scheduler', async () => {
  const { store, scheduler, save, follow, run, dates } = installation();
  await follow();
  await save(flowOf('old', [EACH_SECOND]));
  await save(flowOf('none', []));
  await scheduler().start();
  await run(2);
  expect(dates('old')).toEqual(['01', '02']);
  const triggers = await store.view(topics.triggers);
  expect(triggers.get(triggersKey('main', 'demo', 'old'), TRIGGERS_OF_FLOW)).toMatchObject({ revision: 1 });
  expect([...triggers.keys()]).toHaveLength(1);
  await store.close();
});

it('plans conditions on holidays with a calendar', async () => {
  const { store, scheduler, save, news, follow, run, dates } = installation();
  await follow();
  await scheduler().start();
  const flow = flowOf('holiday', [
    { ...EACH_SECOND, conditions: [{ type: 'core.condition.PublicHoliday', country: 'FR' }] },
  ]);
  await save(flow);
  await news(flow);
  await run(2);
  // The first of January is one.
  expect(dates('holiday').slice(-1)).toEqual(['02']);
  await store.close();
});

it('every date is run once when one scheduler is killed and another takes over, again and again', async () => {
  const { clock, shared, store, scheduler, save, news, follow, run, dates, wanted } = installation();
  await follow();
  const flows = Array.from({ length: 10 }, (_, index) => flowOf(`flow${index}`, [EACH_SECOND]));
  for (const flow of flows) await save(flow);
  let alive = [createMemoryQueue({ clock, store: shared }), createMemoryQueue({ clock, store: shared })];
  for (const queue of alive) await scheduler(queue).start();
  for (const flow of flows) await news(flow);
  for (let round = 0; round < 5; round++) {
    await run(7.3);
    const [first] = alive;
    first?.kill();
    const next = createMemoryQueue({ clock, store: shared });
    alive = [...alive.slice(1), next];
    await scheduler(next).start();
  }
  await run(10);
  const seconds = Math.floor((clock.now() - START) / 1_000) - 1;
  for (const flow of flows) {
    const seen = dates(flow.id);
    expect(new Set(wanted.filter((one) => one.flowId === flow.id).map(({ executionId }) => executionId)).size).toBe(
      seen.length,
    );
    expect(seen.length).toBeGreaterThanOrEqual(seconds);
    expect(seen).toEqual(Array.from({ length: seen.length }, (_, index) => String((index + 1) % 60).padStart(2, '0')));
  }
  await store.close();
});

it('applies plugin defaults to triggers', async () => {
  const { store, scheduler, save, news, follow, run, dates } = installation();
  await follow();
  await scheduler().start();
  const { cron: _cron, ...trigger } = EACH_SECOND;
  const flow = flowOf('defaults', [trigger]);
  const pluginDefaults = [{ type: 'core.trigger.Schedule', values: { cron: '*/2 * * * * *' } }];
  const changed = { ...flow, definition: { ...flow.definition, pluginDefaults } };
  await save(changed);
  await news(changed);
  await run(4);
  expect(dates('defaults')).toEqual(['02', '04']);
  await store.close();
});
