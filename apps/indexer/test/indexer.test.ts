import { QueueError, type LogQueue } from '@millrace/queue';
import { RepositoryError } from '@millrace/repository';
import { setting, START } from './setting.js';

const recordsOf = (count: number): readonly { key: string; writtenAt: number }[] =>
  Array.from({ length: count }, (_, at) => ({ key: `k${at}`, writtenAt: START }));

describe('the indexer', () => {
  it('writes every topic, makes it searchable once for all, and tells it at once', async () => {
    const { log, index, indexer, started, stopped, until, shown, publishes } = await setting();
    for (const topic of ['executions', 'task-runs', 'logs', 'metrics']) {
      log.append(topic, 0, ...recordsOf(25));
      log.append(topic, 1, ...recordsOf(3));
    }
    log.append('triggers', 0, ...recordsOf(1));
    const server = await started(indexer());
    await until(() => index.written.size === 4 * 28 + 1);
    const refreshes = index.refreshes;
    await until(() => shown('triggers', 0) === 1 && shown('metrics', 0) === 25 && shown('logs', 1) === 3);
    expect(index.refreshes - refreshes).toBe(1);
    expect(index.searchable.size).toBe(4 * 28 + 1);
    // All nine partitions: at the start from the group's offsets, then where they are.
    expect(publishes[0]).toBe(9);
    expect(publishes.length).toBeLessThanOrEqual(4);
    expect(new Set(index.written.values())).toEqual(new Set([1]));
    await stopped(server);
  });

  it('never tells what a search does not find', async () => {
    const { log, index, indexer, started, stopped, until, shown, progress } = await setting(1);
    const server = await started(indexer());
    progress.onChange(({ value }) => {
      for (let offset = 0; value?.topic === 'logs' && offset < value.searchable; offset++)
        expect(index.searchable.has(`logs/0/${offset}`)).toBe(true);
    });
    for (let round = 1; round <= 20; round++) {
      log.append('logs', 0, ...recordsOf(7));
      await until(() => shown('logs', 0) === 7 * round);
    }
    await stopped(server);
  });

  it('is at the end of an idle log, the ends of transactions included, without refreshing for them', async () => {
    const { log, index, indexer, started, stopped, until, pass, shown, publishes } = await setting(1);
    log.append('executions', 0, ...recordsOf(2), 'transaction ended');
    const server = await started(indexer());
    await until(() => shown('executions', 0) === 3);
    const { refreshes } = index;
    log.append('executions', 0, 'transaction ended');
    await until(() => shown('executions', 0) === 4);
    const said = publishes.length;
    await pass(60_000);
    expect(index.refreshes).toBe(refreshes);
    expect(publishes).toHaveLength(said);
    expect(shown('metrics', 0)).toBe(0);
    await stopped(server);
  });

  it('makes searchable what anybody has written when a partition comes to it, and then only what it wrote itself', async () => {
    const { log, index, indexer, started, stopped, until, shown } = await setting(1);
    log.append('logs', 0, ...recordsOf(2));
    const first = await started(indexer());
    await until(() => shown('logs', 0) === 2);
    log.append('logs', 0, ...recordsOf(2));
    await until(() => shown('logs', 0) === 4);
    expect([index.whose[0], index.whose.at(-1)]).toEqual(['all', 'mine']);
    await stopped(first);
    const before = index.whose.length;
    log.append('logs', 0, ...recordsOf(1));
    const second = await started(indexer());
    await until(() => shown('logs', 0) === 5);
    expect(index.whose[before]).toBe('all');
    await stopped(second);
  });

  it('tells the time of the last record', async () => {
    const { log, indexer, started, stopped, until, progress } = await setting(1);
    log.append('logs', 0, { writtenAt: 5 }, { writtenAt: 7 }, 'transaction ended');
    const server = await started(indexer());
    await until(() => progress.get('logs/0', 'progress')?.searchable === 3);
    expect(progress.get('logs/0', 'progress')).toMatchObject({ topic: 'logs', partition: 0, writtenAt: 7 });
    await stopped(server);
  });

  it('waits while the index is down, says so once, and goes on', async () => {
    const { log, index, indexer, started, stopped, until, pass, shown, lines, letters } = await setting();
    const server = await started(indexer());
    index.isDown = true;
    log.append('logs', 0, ...recordsOf(200));
    log.append('executions', 1, ...recordsOf(200));
    await pass(600_000);
    expect(lines).toEqual([expect.stringMatching(/^warn The index cannot be written/)]);
    expect(index.written.size).toBe(0);
    // From 0.2 s to 30 s: about ten tries until the longest pause, then two a minute, for each of the two topics.
    expect(index.bulks.length).toBeGreaterThan(2 * 18);
    expect(index.bulks.length).toBeLessThan(2 * 35);
    index.isDown = false;
    await until(() => shown('logs', 0) === 200 && shown('executions', 1) === 200);
    expect(index.written.size).toBe(400);
    expect(lines).toEqual([expect.any(String), 'info The index is written again']);
    expect(letters).toEqual([]);
    await stopped(server);
  });

  it('stops at once while the index is down, and another goes on with what was not written', async () => {
    const { log, index, indexer, started, stopped, until, pass, clock, shown } = await setting();
    const server = await started(indexer());
    index.isDown = true;
    log.append('logs', 0, ...recordsOf(20));
    await pass(120_000);
    const before = clock.now();
    await stopped(server);
    expect(clock.now() - before).toBeLessThan(1_000);
    index.isDown = false;
    const other = await started(indexer());
    await until(() => shown('logs', 0) === 20);
    await stopped(other);
  });

  it('writes again only what the index had no room for', async () => {
    const { log, index, indexer, started, stopped, until, shown, metrics } = await setting(1);
    const tries = new Map<number, number>();
    index.settle = (_topic, { offset }) => {
      const count = (tries.get(offset) ?? 0) + 1;
      tries.set(offset, count);
      return offset % 3 === 0 && count < 4 ? { kind: 'retry', reason: 'es_rejected_execution_exception' } : undefined;
    };
    log.append('logs', 0, ...recordsOf(9));
    const server = await started(indexer());
    await until(() => shown('logs', 0) === 9);
    expect(index.bulks).toEqual([9, 3, 3, 3]);
    expect(new Set(index.written.values())).toEqual(new Set([1]));
    expect(await metrics.render()).toContain('millrace_indexer_records_total{topic="logs",outcome="retried"} 9');
    await stopped(server);
  });

  it('a record that the index refuses becomes a dead letter; the others go on', async () => {
    const { log, index, indexer, started, stopped, until, shown, letters, clock, lines } = await setting(1);
    index.settle = (_topic, { offset }) =>
      offset === 1 ? { kind: 'rejected', reason: 'document_parsing_exception: no' } : undefined;
    log.append('task-runs', 0, { key: 'a', id: '1' }, { key: 'b', id: '2', value: { x: 1 } }, { key: 'c', id: '3' });
    const server = await started(indexer());
    await until(() => shown('task-runs', 0) === 3 && letters.length === 1);
    expect(letters).toEqual([
      {
        topic: 'task-runs',
        partition: 0,
        position: 2,
        key: 'b/2',
        value: { x: 1 },
        processor: 'indexer',
        reason: 'document_parsing_exception: no',
        at: expect.any(Number),
      },
    ]);
    expect(letters[0]?.at).toBeLessThanOrEqual(clock.now());
    expect([...index.written.keys()]).toEqual(['task-runs/0/0', 'task-runs/0/2']);
    expect(lines).toEqual([expect.stringMatching(/^error The index refuses a record/)]);
    await stopped(server);
  });

  it('a record that breaks the writing itself is found among its neighbours', async () => {
    const { log, index, indexer, started, stopped, until, shown, letters } = await setting(1);
    index.settle = (_topic, { offset }) => {
      if (offset === 6) throw new TypeError('Cannot read properties of undefined');
      return undefined;
    };
    log.append('metrics', 0, ...recordsOf(10));
    const server = await started(indexer());
    await until(() => shown('metrics', 0) === 10);
    await until(() => letters.length === 1);
    expect(letters[0]).toMatchObject({ position: 7, reason: 'TypeError: Cannot read properties of undefined' });
    expect(new Set(index.written.keys()).size).toBe(9);
    await stopped(server);
  });

  it('what cannot be read becomes a dead letter with its text, and a large value with its beginning', async () => {
    const { log, index, indexer, started, stopped, until, letters } = await setting(1);
    index.settle = () => ({ kind: 'rejected', reason: 'too large' });
    log.append('logs', 0, '{', { key: 'x'.repeat(1_000), value: { text: 'y'.repeat(800_000) } });
    const server = await started(indexer());
    await until(() => letters.length === 2);
    expect(letters[0]).toMatchObject({ topic: 'logs', position: 1, key: 'k', value: '{', reason: 'it is no JSON' });
    expect(letters[1]).toMatchObject({
      position: 2,
      key: 'x'.repeat(1_000),
      value: expect.stringMatching(/^{"text":"y/),
    });
    expect(String(letters[1]?.value)).toHaveLength(4_000);
    await stopped(server);
  });

  it('small batches of several partitions share a bulk; at most two of a topic are under way', async () => {
    const { log, index, indexer, started, stopped, until } = await setting(8);
    const server = await started(indexer());
    for (let partition = 0; partition < 8; partition++) log.append('logs', partition, ...recordsOf(1));
    await until(() => index.written.size === 8);
    expect(index.bulks).toEqual([8]);
    let release = (): void => undefined;
    index.hold = new Promise((resolve) => (release = resolve));
    for (let partition = 0; partition < 8; partition++) log.append('logs', partition, ...recordsOf(20));
    await until(() => index.inFlight === 2);
    release();
    index.hold = undefined;
    await until(() => index.written.size === 8 + 160);
    expect(index.inFlightMost).toBe(2);
    await stopped(server);
  });

  it('several share the partitions; one that goes leaves its own to the others, who tell of them', async () => {
    const { log, index, indexer, started, stopped, until, shown, beats } = await setting(4);
    const one = await started(indexer());
    const other = await started(indexer());
    for (let partition = 0; partition < 4; partition++) log.append('executions', partition, ...recordsOf(15));
    await until(() => [0, 1, 2, 3].every((partition) => shown('executions', partition) === 15));
    expect(new Set(index.written.values())).toEqual(new Set([1]));
    expect(
      beats.flatMap((beat) => (beat.kind === 'heartbeat' ? [beat.service.partitions?.['indexer.1.executions']] : [])),
    ).toContainEqual([1, 3]);
    await stopped(one);
    for (let partition = 0; partition < 4; partition++) log.append('executions', partition, ...recordsOf(15));
    await until(() => [0, 1, 2, 3].every((partition) => shown('executions', partition) === 30));
    await until(() => beats.length > 2);
    expect(beats).toContainEqual(
      expect.objectContaining({
        service: expect.objectContaining({ instance: 'i1', role: 'indexer', state: 'TERMINATED_GRACEFULLY' }),
      }),
    );
    await stopped(other);
  });

  it('does not take back what was told when it begins a little earlier', async () => {
    const { log, indexer, started, stopped, until, pass, shown, progress } = await setting(1);
    log.append('logs', 0, ...recordsOf(5));
    const one = await started(indexer());
    await until(() => shown('logs', 0) === 5);
    await stopped(one);
    // A crash before the group's offset was stored.
    log.stored.set('indexer.1.logs/0', 2);
    const seen: number[] = [];
    progress.onChange(({ value }) => void (value?.topic === 'logs' && seen.push(value.searchable)));
    const other = await started(indexer());
    await pass(2_000);
    log.append('logs', 0, ...recordsOf(1));
    await until(() => shown('logs', 0) === 6);
    expect(seen).toEqual([6]);
    await stopped(other);
  });

  it('what is old is removed every hour by one of them', async () => {
    const { index, indexer, started, stopped, pass, clock } = await setting(4);
    const retention = { logs: 86_400_000 };
    const servers = [await started(indexer({ retention })), await started(indexer({ retention }))];
    await pass(61_000);
    expect(index.removals).toHaveLength(1);
    expect(Math.abs((index.removals[0]?.logs ?? 0) - (clock.now() - 86_400_000))).toBeLessThan(2_000);
    expect(index.removals[0]?.executions).toBeUndefined();
    index.isDown = true;
    await pass(3_600_000);
    index.isDown = false;
    await pass(3_600_000);
    expect(index.removals).toHaveLength(2);
    for (const server of servers) await stopped(server);
  });

  it('shows how far it is behind', async () => {
    const { log, index, indexer, started, stopped, pass, until, shown, metrics } = await setting(1);
    const server = await started(indexer());
    index.isDown = true;
    log.append('task-runs', 0, { writtenAt: START });
    await pass(90_000);
    expect(await metrics.render()).toMatch(/millrace_indexer_lag_seconds_task_runs 9\d/);
    expect(await metrics.render()).toMatch(/millrace_indexer_last_success_age_seconds 9\d/);
    index.isDown = false;
    await until(() => shown('task-runs', 0) === 1);
    const figures = await metrics.render();
    expect(figures).toContain('millrace_indexer_records_total{topic="task-runs",outcome="written"} 1');
    expect(figures).toContain('millrace_indexer_batch_seconds_count{topic="task-runs"} 1');
    await stopped(server);
  });

  it('started while the index does not answer it begins as soon as that does', async () => {
    const { log, index, indexer, started, stopped, pass, until, shown, lines } = await setting(1);
    index.isDown = true;
    log.append('logs', 0, ...recordsOf(3));
    const server = await started(indexer());
    await pass(300_000);
    expect(lines).toEqual([expect.stringMatching(/^warn The index cannot be written/)]);
    index.isDown = false;
    await until(() => shown('logs', 0) === 3);
    expect(lines).toEqual([expect.any(String), 'info The index is written again']);
    await stopped(server);
    index.isDown = true;
    await stopped(await started(indexer()));
  });

  it('does not start when the index cannot be used, and says why', async () => {
    const { indexer } = await setting(1);
    const refused = (): Promise<never> =>
      Promise.reject(new RepositoryError('UNAVAILABLE', 'Elasticsearch refuses this account', false));
    await expect(indexer({ open: refused }).start()).rejects.toThrow('Elasticsearch refuses this account');
  });

  it('stopped when its queue is gone it says why, and nothing of it goes on', async () => {
    const { queue, indexer, started, pass, beats } = await setting(1);
    const gone = new QueueError('QUEUE_CLOSED', 'The queue is closed', false);
    const consume: LogQueue['consume'] = async (options) => ({
      ...(await queue.consume(options)),
      close: () => Promise.reject(gone),
    });
    const server = await started(indexer({ queue: { ...queue, consume } }));
    const stopping = server.stop();
    stopping.catch(() => undefined);
    await pass(10_000);
    await expect(stopping).rejects.toThrow(gone);
    const count = beats.length;
    await pass(60_000);
    expect(beats).toHaveLength(count);
  });
});
