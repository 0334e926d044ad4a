import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createExecutor } from '@millrace/executor';
import { keyOf, newId, type OutgoingRecord, type Topic } from '@millrace/model';
import { createTaskTypeRegistry } from '@millrace/plugin-api';
import { plugin as core } from '@millrace/plugin-core';
import type { Queue, TailOptions } from '@millrace/queue';
import { createMemoryQueue, createMemoryStore } from '@millrace/queue/memory';
import { openOverlay } from '@millrace/repository/overlay';
import { createMetrics, systemClock, type ServiceContext } from '@millrace/service';
import { createLocalStorage } from '@millrace/storage/local';
import { createWebserver } from '../src/index.js';
import { requestsOf } from './requests-of.js';
import { CHEAP, createRecordingLog, PASSWORD, topics, USER } from './server.js';

const FLOW = `id: fails
namespace: company.team
tasks:
  - {id: first, type: core.debug.Return, format: one}
  - {id: check, type: core.execution.Fail, condition: "{{ vars.fails }}"}
variables:
  fails: true
`;
const FIXED = FLOW.replace('fails: true', 'fails: false');
const EXECUTIONS = '/api/v1/main/executions';

/** A webserver that keeps history as an index does, and an executor from whose queue executions are made to leave. */
async function createCluster() {
  const folder = mkdtempSync(join(tmpdir(), 'that-left-'));
  mkdirSync(join(folder, 'overlay'));
  const store = createMemoryStore();
  const { log } = createRecordingLog();
  const connect = (): { readonly queue: Queue; readonly context: ServiceContext } => ({
    queue: createMemoryQueue({ store, clock: systemClock }),
    context: {
      instance: newId(systemClock.now(), randomBytes(16)),
      clock: systemClock,
      log,
      metrics: createMetrics({ process: false }),
    },
  });
  /** Removals by retention: history does not follow them. */
  const leaving = new Set<string>();
  const kept = (queue: Queue): Queue => ({
    publish: (records) => queue.publish(records),
    process: (definition) => queue.process(definition),
    work: (options) => queue.work(options),
    backlog: (topic, reader) => queue.backlog(topic, reader),
    close: () => queue.close(),
    view: (topic) => queue.view(topic),
    tail: <Value>(topic: Topic<Value>, { onRecord, ...rest }: TailOptions<Value>) =>
      queue.tail(topic, {
        ...rest,
        onRecord(record) {
          if (record.value !== null || !leaving.delete(`${topic.name} ${record.key} ${record.id}`)) onRecord(record);
        },
      }),
  });
  const registry = createTaskTypeRegistry([core]);
  const storage = createLocalStorage({ directory: join(folder, 'storage') });
  const executing = connect();
  const executor = createExecutor({ ...executing, topics, registry });
  await executor.start();
  const { queue: own, context } = connect();
  const queue = kept(own);
  const repository = await openOverlay({
    queue,
    topics,
    folder: join(folder, 'overlay'),
    clock: systemClock,
    onError: (error) => {
      throw error;
    },
  });
  const webserver = createWebserver({
    context,
    queue,
    topics,
    storage,
    repository,
    registry,
    passwordCost: CHEAP,
    configuration: { host: '127.0.0.1', port: 0 },
    initialAccount: { username: USER, password: { reveal: () => PASSWORD } },
  });
  await webserver.start();
  const heads = await executing.queue.view(topics.executions);
  const runs = await executing.queue.view(topics.taskRuns);
  return {
    url: () => webserver.url,
    /** Whether the queue has state of it. */
    has: (executionId: string): boolean => heads.get(keyOf('main', executionId), 'head') !== undefined,
    /** As its retention would do it. */
    async leaves(executionId: string): Promise<void> {
      const key = keyOf('main', executionId);
      const gone: OutgoingRecord[] = [];
      for (const id of heads.records(key).keys()) gone.push({ topic: topics.executions, key, id, value: null });
      for (const id of runs.records(key).keys()) gone.push({ topic: topics.taskRuns, key, id, value: null });
      for (const { topic, id } of gone) leaving.add(`${topic.name} ${key} ${id}`);
      await executing.queue.publish(gone);
      await Promise.all([heads.refresh(), runs.refresh()]);
      expect([heads.records(key).size, runs.records(key).size]).toEqual([0, 0]);
    },
    async stop(): Promise<void> {
      await webserver.stop();
      await executor.stop();
      await repository.close();
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
  readonly labels: readonly { readonly key: string; readonly value: string }[];
  readonly metadata: { readonly attemptNumber: number };
  readonly taskRunList: readonly { readonly taskId: string; readonly state: { readonly current: string } }[];
}

describe('an execution whose state has left the queue', () => {
  let cluster: Awaited<ReturnType<typeof createCluster>>;
  const { call, shown } = requestsOf<Shown>(() => cluster.url());
  beforeAll(async () => {
    cluster = await createCluster();
    await call('POST', '/api/v1/main/flows', FLOW, 'application/x-yaml');
  });
  afterAll(() => cluster.stop());

  const atEnd = async (id: string): Promise<Shown> => {
    await (await call('GET', `${EXECUTIONS}/${id}/follow`)).text();
    return shown('GET', `${EXECUTIONS}/${id}`);
  };
  const labelsOf = ({ labels }: Shown): Record<string, string> =>
    Object.fromEntries(labels.map(({ key, value }) => [key, value]));
  const thatLeft = async (): Promise<Shown> => {
    const execution = await shown('POST', `${EXECUTIONS}/company.team/fails?wait=true`);
    expect(execution.state.current).toBe('FAILED');
    await cluster.leaves(execution.id);
    return execution;
  };

  it('is shown as before', async () => {
    const { id, taskRunList } = await thatLeft();
    expect((await shown('GET', `${EXECUTIONS}/${id}`)).taskRunList).toHaveLength(taskRunList.length);
    expect(cluster.has(id)).toBe(false);
  });

  it('is restarted, and has what it had', async () => {
    const { id } = await thatLeft();
    await shown('POST', `${EXECUTIONS}/${id}/restart`);
    const again = await atEnd(id);
    expect(again).toMatchObject({ id, metadata: { attemptNumber: 2 }, state: { current: 'FAILED' } });
    expect(again.taskRunList.map(({ taskId, state }) => `${taskId} ${state.current}`)).toEqual([
      'first SUCCESS',
      'check FAILED',
    ]);
    expect(cluster.has(id)).toBe(true);
  });

  it('is restarted again after it has left again', async () => {
    const { id } = await thatLeft();
    await shown('POST', `${EXECUTIONS}/${id}/restart`);
    await atEnd(id);
    await cluster.leaves(id);
    await shown('POST', `${EXECUTIONS}/${id}/restart`);
    expect(await atEnd(id)).toMatchObject({ id, metadata: { attemptNumber: 3 } });
  });

  it('gets other labels', async () => {
    const { id } = await thatLeft();
    await shown('POST', `${EXECUTIONS}/${id}/labels`, JSON.stringify([{ key: 'seen', value: 'yes' }]));
    expect(labelsOf(await shown('GET', `${EXECUTIONS}/${id}`))).toMatchObject({ seen: 'yes' });
  });

  it('is replayed, with another revision too, and is labelled so', async () => {
    const { id } = await thatLeft();
    const copy = await atEnd((await shown('POST', `${EXECUTIONS}/${id}/replay`)).id);
    expect(copy).toMatchObject({ state: { current: 'FAILED' } });
    expect(labelsOf(await shown('GET', `${EXECUTIONS}/${id}`))).toMatchObject({ 'system.replayed': 'true' });
    await cluster.leaves(id);
    await call('PUT', '/api/v1/main/flows/company.team/fails', FIXED, 'application/x-yaml');
    const fixed = await shown('POST', `${EXECUTIONS}/${id}/replay?revision=2`);
    expect(await atEnd(fixed.id)).toMatchObject({ state: { current: 'SUCCESS' } });
    await call('PUT', '/api/v1/main/flows/company.team/fails', FLOW, 'application/x-yaml');
  });

  it('is deleted, and does not come back', async () => {
    const { id } = await thatLeft();
    expect((await call('DELETE', `${EXECUTIONS}/${id}`)).status).toBe(204);
    expect((await call('GET', `${EXECUTIONS}/${id}`)).status).toBe(404);
    expect((await call('POST', `${EXECUTIONS}/${id}/restart`)).status).toBe(404);
    expect((await call('GET', `${EXECUTIONS}/${id}`)).status).toBe(404);
  });

  it('that was never there is not made up', async () => {
    expect((await call('POST', `${EXECUTIONS}/unknown0/restart`)).status).toBe(404);
  });
});
