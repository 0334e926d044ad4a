import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createExecutor } from '@millrace/executor';
import { createTopics, DEFAULT_GROUP, newId, SHOW_FORMAT, type Topic } from '@millrace/model';
import { createTaskTypeRegistry } from '@millrace/plugin-api';
import { plugin as core } from '@millrace/plugin-core';
import type { TailOptions } from '@millrace/queue';
import { createMemoryQueue, createMemoryStore } from '@millrace/queue/memory';
import { RepositoryError, type Repository } from '@millrace/repository';
import { openOverlay } from '@millrace/repository/overlay';
import { createMetrics, systemClock, type ServiceContext } from '@millrace/service';
import { createLocalStorage } from '@millrace/storage/local';
import { createWebserver } from '../src/index.js';
import { requestsOf } from './requests-of.js';
import { CHEAP, createRecordingLog, PASSWORD, USER } from './server.js';

const FLOWS = '/api/v1/main/flows';
const EXECUTIONS = '/api/v1/main/executions';
const WAITS = `id: waits
namespace: company.team
tasks:
  - {id: pause, type: core.flow.Pause}
  - {id: give, type: core.debug.Return, format: one}
`;
const FAILS = `id: fails
namespace: company.team
tasks:
  - {id: give, type: core.debug.Return, format: one}
  - {id: fail, type: core.execution.Fail}
`;

/** A webserver whose copy of the topics begins anew, beside an index that cannot be reached. */
async function createCluster() {
  const folder = mkdtempSync(join(tmpdir(), 'index-away-'));
  mkdirSync(join(folder, 'overlay'));
  const topics = createTopics({ executionPartitions: 2, resourcePartitions: 2 });
  const { cluster } = topics.executions;
  const store = createMemoryStore();
  const { log, entries } = createRecordingLog();
  const connect = () => {
    const context: ServiceContext = {
      instance: newId(systemClock.now(), randomBytes(16)),
      clock: systemClock,
      log,
      metrics: createMetrics({ process: false }),
    };
    return { queue: createMemoryQueue({ store, clock: systemClock }), context };
  };
  const registry = createTaskTypeRegistry([core]);
  const storage = createLocalStorage({ directory: join(folder, 'storage') });
  const executing = connect();
  const executor = createExecutor({ ...executing, topics, registry, ownWorkerGroup: DEFAULT_GROUP });
  await executor.start();
  const serving = connect();
  let asked = 0;
  const { queue } = serving;
  /** Of what is committed from now on. */
  const openCopy = (): Promise<Repository> =>
    openOverlay({
      queue: {
        tail: <Value>(topic: Topic<Value>, { from: _from, ...rest }: TailOptions<Value>) => queue.tail(topic, rest),
      },
      topics,
      folder: join(folder, 'overlay'),
      clock: systemClock,
      onError: (error) => {
        throw error;
      },
    });
  let copy = await openCopy();
  const orAway = <Answer>(found: Answer | undefined): Answer => {
    if (found !== undefined) return found;
    asked++;
    throw new RepositoryError('UNAVAILABLE', 'The index cannot be reached', true);
  };
  const repository = new Proxy<Repository>(copy, {
    get(_target, name: keyof Repository) {
      const away: Partial<Repository> = {
        execution: async (scope, id) => orAway(await copy.execution(scope, id)),
        executionHead: async (scope, id) => orAway(await copy.executionHead(scope, id)),
        executionRecords: async (scope, id) => orAway(await copy.executionRecords(scope, id)),
        freshness: () => ({ overlay: { rows: 0, newerHeads: 0, oldestSeconds: 0 } }),
      };
      return away[name] ?? copy[name];
    },
  });
  const webserver = createWebserver({
    ...serving,
    topics,
    storage,
    repository,
    registry,
    passwordCost: CHEAP,
    configuration: { host: '127.0.0.1', port: 0 },
    initialAccount: { username: USER, password: { reveal: () => PASSWORD } },
  });
  await webserver.start();
  return {
    url: webserver.url,
    entries,
    asked: () => asked,
    level: (format: number) => cluster.tell({ format, placements: [{ partitions: 2 }], current: 0 }),
    /** What is there by now is in the index alone. */
    async forgets(): Promise<void> {
      await copy.close();
      copy = await openCopy();
      asked = 0;
    },
    async stop(): Promise<void> {
      await webserver.stop();
      await executor.stop();
      await copy.close();
      await queue.close();
      await executing.queue.close();
      await storage.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

interface Shown {
  readonly id: string;
  readonly state: { readonly current: string };
  readonly taskRunList: readonly { readonly taskId: string; readonly state: { readonly current: string } }[];
}

describe('while the index is away', () => {
  let cluster: Awaited<ReturnType<typeof createCluster>>;
  const { call, shown } = requestsOf<Shown>(() => cluster.url);
  beforeAll(async () => {
    cluster = await createCluster();
    for (const flow of [WAITS, FAILS]) await call('POST', FLOWS, flow, 'application/x-yaml');
  });
  beforeEach(() => cluster.level(SHOW_FORMAT));
  afterAll(() => cluster.stop());

  const follow = async (id: string): Promise<string> => (await call('GET', `${EXECUTIONS}/${id}/follow`)).text();
  const runsOf = ({ taskRunList }: Shown): string =>
    taskRunList.map(({ taskId, state }) => `${taskId} ${state.current}`).join(', ');
  async function forgotten(flow: string): Promise<Shown> {
    const execution = await shown('POST', `${EXECUTIONS}/company.team/${flow}${flow === 'fails' ? '?wait=true' : ''}`);
    if (flow === 'waits') {
      let state = execution;
      while (state.state.current !== 'PAUSED') state = await shown('GET', `${EXECUTIONS}/${execution.id}`);
    }
    await cluster.forgets();
    return execution;
  }

  it('an execution that began long before is resumed, and followed to its end', async () => {
    const { id } = await forgotten('waits');
    expect((await call('POST', `${EXECUTIONS}/${id}/resume`)).status).toBe(200);
    expect(await follow(id)).toContain('id: end');
    const ended = await shown('GET', `${EXECUTIONS}/${id}`);
    expect([ended.state.current, runsOf(ended)]).toEqual(['SUCCESS', 'pause SUCCESS, give SUCCESS']);
  });

  it('one that has ended is shown with all that it has, and restarted', async () => {
    const { id } = await forgotten('fails');
    expect(runsOf(await shown('GET', `${EXECUTIONS}/${id}`))).toBe('give SUCCESS, fail FAILED');
    await shown('POST', `${EXECUTIONS}/${id}/restart`);
    await follow(id);
    expect((await shown('GET', `${EXECUTIONS}/${id}`)).state.current).toBe('FAILED');
  });

  it('it is asked for when nobody here knows it, by however many at the same time, and then known', async () => {
    const { id } = await forgotten('fails');
    await Promise.all(Array.from({ length: 5 }, () => shown('GET', `${EXECUTIONS}/${id}`)));
    const asked = cluster.asked();
    expect(asked).toBeGreaterThan(0);
    await shown('GET', `${EXECUTIONS}/${id}`);
    expect(cluster.asked()).toBe(asked);
  });

  it('one that its owner does not know may be in the index: a refusal that says so, and a line of the log without a stack', async () => {
    const before = cluster.entries.length;
    const response = await call('GET', `${EXECUTIONS}/unknown0`);
    expect([response.status, await response.text()]).toEqual([503, expect.stringContaining('cannot be reached now')]);
    expect(cluster.entries.slice(before)).toMatchObject([
      { level: 'warn', fields: { status: 503, reason: 'The index cannot be reached' } },
    ]);
    expect(cluster.entries.at(-1)?.fields).not.toHaveProperty('err');
  });

  it('nobody is asked before every executor knows what that means', async () => {
    const { id } = await forgotten('fails');
    cluster.level(SHOW_FORMAT - 1);
    expect((await call('GET', `${EXECUTIONS}/${id}`)).status).toBe(503);
  });
});
