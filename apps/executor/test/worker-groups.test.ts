import { createTopics, outgoing, WORKER_GROUPS_KEY, type ExecutionEvent, type ServiceInstance } from '@millrace/model';
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
  const groups = followWorkerGroups({ queue, topics, resources, services, log: quiet, ...(ownGroup && { ownGroup }) });
  const pass = (): Promise<unknown> => clock.runUntil(() => false, clock.now() + 100);
  const publish = async (record: Parameters<typeof outgoing>[0]): Promise<void> => {
    const published = queue.publish([outgoing(record)]);
    await pass();
    await published;
  };
  return {
    groups,
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
});
