import type { TaskPlan } from '@millrace/executor-core';
import {
  createTopics,
  LATEST,
  namespaceKey,
  outgoing,
  WORKER_GROUPS_KEY,
  type ExecutionEvent,
  type ServiceInstance,
} from '@millrace/model';
import { createMemoryQueue } from '@millrace/queue/memory';
import type { Logger } from '@millrace/service';
import { createVirtualClock } from '@millrace/testing';
import { followWorkerGroups } from '../src/worker-groups.js';

const topics = createTopics({ executionPartitions: 1, resourcePartitions: 1 });
const quiet: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => quiet };

async function aWorld(ownGroup?: string) {
  const clock = createVirtualClock({ start: 1_000_000 });
  const queue = createMemoryQueue({ clock });
  const [resources, services] = await Promise.all([queue.view(topics.resources), queue.view(topics.services)]);
  const told: string[] = [];
  await queue.tail(topics.executionEvents, {
    onRecord: ({ value }: { readonly value: ExecutionEvent | null }) => {
      if (value?.kind === 'workers-changed') told.push(`${value.group}: ${value.live ? 'live' : 'gone'}`);
    },
  });
  let refreshes = 0;
  const counted: typeof resources = {
    ...resources,
    refresh() {
      refreshes++;
      return resources.refresh();
    },
  };
  const groups = followWorkerGroups({
    queue,
    topics,
    resources: counted,
    services,
    log: quiet,
    clock,
    ...(ownGroup && { ownGroup }),
  });
  const pass = (): Promise<unknown> => clock.runUntil(() => false, clock.now() + 100);
  const publish = async (record: Parameters<typeof outgoing>[0]): Promise<void> => {
    const published = queue.publish([outgoing(record)]);
    await pass();
    await published;
  };
  return {
    groups,
    publish,
    refreshes: () => refreshes,
    told,
    pass,
    register: (key: string, allowedTenants: readonly string[] = []) =>
      publish({
        topic: topics.resources,
        key: WORKER_GROUPS_KEY,
        id: key,
        value: { kind: 'worker-group', group: { id: key, key, allowedTenants } },
      }),
    worker: (instance: string, state: ServiceInstance['state'], group?: string) =>
      publish({
        topic: topics.services,
        key: instance,
        id: 'instance',
        value: {
          instance,
          role: 'worker',
          state,
          host: 'here',
          startedAt: 0,
          heartbeatAt: 0,
          format: 1,
          ...(group === undefined ? {} : { group }),
        },
      }),
  };
}

describe('the worker groups as an executor sees them', () => {
  it('are live while a worker runs or is in maintenance', async () => {
    const { groups, register, worker } = await aWorld();
    expect(groups.status('main', 'default')).toBe('no-worker');
    expect(groups.status('main', 'gpu')).toBe('unknown');
    await register('gpu', ['main']);
    expect(groups.status('main', 'gpu')).toBe('no-worker');
    expect(groups.status('other', 'gpu')).toBe('unknown');
    for (const state of ['RUNNING', 'MAINTENANCE'] as const) {
      await worker('w1', state, 'gpu');
      expect(groups.status('main', 'gpu')).toBe('live');
    }
    for (const state of ['TERMINATING', 'DISCONNECTED', 'TERMINATED_GRACEFULLY'] as const) {
      await worker('w1', state, 'gpu');
      expect(groups.status('main', 'gpu')).toBe('no-worker');
    }
  });

  it('are told to executions: those that live at the start, then each change once', async () => {
    const { groups, told, worker, pass } = await aWorld();
    await worker('w1', 'RUNNING');
    expect(told).toEqual([]);
    groups.tell();
    await pass();
    expect(told).toEqual(['default: live']);
    await worker('w1', 'RUNNING');
    await worker('w2', 'RUNNING');
    await worker('w1', 'DISCONNECTED');
    expect(told).toEqual(['default: live']);
    await worker('w2', 'TERMINATING');
    await worker('w3', 'RUNNING', 'gpu');
    expect(told).toEqual(['default: live', 'default: gone', 'gpu: live']);
    groups.stop();
    await worker('w3', 'DISCONNECTED', 'gpu');
    expect(told).toHaveLength(3);
  });

  it('hold that of the own process for live, and do not tell of it', async () => {
    const { groups, told, worker } = await aWorld('default');
    groups.tell();
    expect(groups.status('main', 'default')).toBe('live');
    await worker('w1', 'RUNNING');
    await worker('w1', 'TERMINATED_GRACEFULLY');
    expect(groups.status('main', 'default')).toBe('live');
    expect(told).toEqual([]);
  });

  const aPlan = (workerGroup: string | undefined, ofTask?: string) => {
    const named = (key: string | undefined) => (key === undefined ? {} : { workerGroup: { key } });
    const definition = { id: 'f', namespace: 'a.b', tasks: [], ...named(workerGroup) };
    const task = { definition: { id: 't', type: 'x', ...named(ofTask) } } as TaskPlan;
    return { tenant: 'main', namespace: 'a.b', definition, tasks: new Map([['t', task]]) };
  };

  it.each([
    ['none', aPlan(undefined), 0],
    ['the default one', aPlan('default'), 0],
    ['one that is seen', aPlan('gpu'), 0],
    ['an expression', aPlan('{{ inputs.group }}'), 0],
    ['one that is not seen', aPlan('late'), 1],
    ['one that is not seen, for a task', aPlan('gpu', 'late'), 1],
  ])('are looked for again before a flow is run that names %s', async (_what, plan, times) => {
    const { groups, register, pass, refreshes } = await aWorld();
    await register('gpu');
    const seen = groups.seen(plan);
    await pass();
    await seen;
    expect([seen === undefined, refreshes()]).toEqual([times === 0, times]);
  });

  it('are looked for again when a namespace above or the tenant names one that is not seen', async () => {
    const { groups, register, publish, pass, refreshes } = await aWorld();
    const value = { kind: 'namespace', namespace: { tenant: 'main', id: 'a', workerGroup: { key: 'late' } } } as const;
    await publish({ topic: topics.resources, key: namespaceKey('main', 'a'), id: LATEST, value });
    expect(groups.inherited('main', 'a.b')).toEqual([{ key: 'late' }]);
    const seen = groups.seen(aPlan(undefined));
    await pass();
    await seen;
    expect(refreshes()).toBe(1);
    await register('late');
    expect(groups.seen(aPlan(undefined))).toBeUndefined();
  });
});
