import { INDEX_GENERATION_ID, LIVENESS, outgoing } from '@millrace/model';
import { rebuildIndex, RebuildInterrupted, type RebuildStep } from '@millrace/indexer';
import { announced } from '../src/progress-sinks.js';
import { AnIndex } from './an-index.js';
import { setting, START } from './setting.js';

const recordsOf = (count: number): readonly { key: string; writtenAt: number }[] =>
  Array.from({ length: count }, (_, at) => ({ key: `k${at}`, writtenAt: START }));
const PARTITIONS = 2;

async function rebuilding() {
  const all = await setting(PARTITIONS);
  const { queue, topics, index, clock, logger, metrics, memory } = all;
  const generations = await memory.view(topics.indexGeneration);
  const next = (index.next = new AnIndex(2));
  const steps: RebuildStep[] = [];
  const abort = new AbortController();
  const rebuild = (onStep: (step: RebuildStep) => void = () => undefined, store = index): Promise<void> =>
    rebuildIndex({
      queue,
      topics,
      store,
      clock,
      log: logger,
      metrics,
      batchSize: 10,
      refreshIntervalMs: 500,
      signal: abort.signal,
      random: () => 1,
      onStep: (step) => {
        steps.push(step);
        onStep(step);
      },
    });
  /** Lets time pass until it has ended, however it ends. */
  const ended = async (running: Promise<void>): Promise<void> => {
    let isOver = false;
    running.then(
      () => (isOver = true),
      () => (isOver = true),
    );
    await all.until(() => isOver);
    await running;
  };
  return { ...all, generations, next, steps, abort, rebuild, ended };
}

describe('a rebuild of the index', () => {
  it('makes a new one beside the old, from the beginning, and running indexers go on with it', async () => {
    const world = await rebuilding();
    const { log, index, next, indexer, started, stopped, until, shown, steps, rebuild, ended } = world;
    for (const partition of [0, 1]) log.append('executions', partition, ...recordsOf(30));
    log.append('logs', 1, ...recordsOf(5), 'transaction ended');
    const servers = [await started(indexer()), await started(indexer())];
    await until(() => shown('executions', 0) === 30 && shown('executions', 1) === 30 && shown('logs', 1) === 6);
    // Written while it goes on: some before the indexers move, some after.
    await ended(
      rebuild((step) => {
        if (step.kind === 'read' || step.kind === 'moving') log.append('executions', 0, ...recordsOf(3));
      }),
    );
    expect(next.isPublished).toBe(true);
    expect(steps.map(({ kind }) => kind)).toEqual(expect.arrayContaining(['copied', 'read', 'moving', 'done']));
    expect(steps).toContainEqual({ kind: 'moving', indexers: 2 });
    log.append('executions', 1, ...recordsOf(4));
    await until(() => shown('executions', 1) === 34);
    const count = shown('executions', 0) ?? 0;
    for (let offset = 0; offset < count; offset++) expect(next.searchable.has(`executions/0/${offset}`)).toBe(true);
    for (let offset = 0; offset < 34; offset++) expect(next.searchable.has(`executions/1/${offset}`)).toBe(true);
    expect(index.written.has('executions/1/33')).toBe(false);
    for (const server of servers) await stopped(server);
    expect([...world.generations.keys()]).toEqual(['generation']);
  });

  it('progress is never told of what the searched generation does not have', async () => {
    const world = await rebuilding();
    const { log, index, next, indexer, started, stopped, until, shown, progress, rebuild, ended } = world;
    log.append('logs', 0, ...recordsOf(30));
    const server = await started(indexer());
    await until(() => shown('logs', 0) === 30);
    progress.onChange(({ value }) => {
      const searched = next.isPublished ? next : index;
      for (let offset = 0; value?.topic === 'logs' && offset < value.searchable; offset++)
        expect(searched.searchable.has(`logs/${value.partition}/${offset}`)).toBe(true);
    });
    await ended(rebuild(() => log.append('logs', 0, ...recordsOf(3))));
    log.append('logs', 0, ...recordsOf(3));
    await until(() => next.searchable.size > 36 && shown('logs', 0) === next.searchable.size);
    await stopped(server);
  });

  it('needs no indexer that runs', async () => {
    const { log, next, indexer, started, stopped, until, shown, rebuild, ended } = await rebuilding();
    log.append('metrics', 0, ...recordsOf(12));
    const server = await started(indexer());
    await until(() => shown('metrics', 0) === 12);
    await stopped(server);
    await ended(rebuild());
    expect(next.searchable.size).toBe(12);
    expect(next.isPublished).toBe(true);
  });

  it('interrupted while it reads it changes nothing, and can be started again', async () => {
    const world = await rebuilding();
    const { log, index, next, indexer, started, stopped, until, shown, rebuild, ended, abort, generations } = world;
    log.append('logs', 0, ...recordsOf(50));
    const server = await started(indexer());
    await until(() => shown('logs', 0) === 50);
    next.isDown = true;
    await expect(ended(rebuild(({ kind }) => void (kind === 'read' && abort.abort())))).rejects.toThrow(
      RebuildInterrupted,
    );
    expect(next.isPublished).toBe(false);
    expect(announced(generations)).toBeUndefined();
    log.append('logs', 0, ...recordsOf(1));
    await until(() => index.written.has('logs/0/50'));
    await stopped(server);
  });

  it('interrupted while the indexers move, they go back', async () => {
    const world = await rebuilding();
    const { log, index, next, indexer, started, stopped, until, shown, rebuild, ended, abort, generations } = world;
    log.append('logs', 0, ...recordsOf(5));
    const server = await started(indexer());
    await until(() => shown('logs', 0) === 5);
    await expect(ended(rebuild(({ kind }) => void (kind === 'moving' && abort.abort())))).rejects.toThrow(
      RebuildInterrupted,
    );
    expect(announced(generations)).toMatchObject({ generation: 1, state: 'current' });
    expect(next.isPublished).toBe(false);
    log.append('logs', 0, ...recordsOf(1));
    await until(() => shown('logs', 0) === 6);
    expect(index.searchable.has('logs/0/5')).toBe(true);
    await stopped(server);
  });

  it('cut off after the aliases were swapped, the next run only ends it', async () => {
    const { queue, topics, next, steps, rebuild, ended, generations, until } = await rebuilding();
    await queue.publish([
      outgoing({
        topic: topics.indexGeneration,
        key: 'generation',
        id: INDEX_GENERATION_ID,
        value: { kind: 'generation', generation: 2, state: 'filling', at: START },
      }),
    ]);
    await until(() => announced(generations) !== undefined);
    await ended(rebuild(() => undefined, next));
    expect(steps).toEqual([{ kind: 'done', generation: 2, wasNearlyDone: true }]);
    await until(() => announced(generations)?.state === 'current');
  });

  it('an indexer that is gone without a word is not waited for', async () => {
    const { queue, topics, clock, log, next, steps, rebuild, ended, memory } = await rebuilding();
    const services = await memory.view(topics.services);
    const gone = {
      instance: 'gone',
      role: 'indexer',
      host: 'h',
      state: 'RUNNING',
      startedAt: START,
      heartbeatAt: clock.now() - LIVENESS.leaseMs,
      format: 1,
    } as const;
    await queue.publish([outgoing({ topic: topics.services, key: 'gone', id: 'service', value: gone })]);
    await services.refresh();
    log.append('logs', 0, ...recordsOf(1));
    await ended(rebuild());
    expect(steps).toContainEqual({ kind: 'moving', indexers: 1 });
    expect(next.isPublished).toBe(true);
  });
});
