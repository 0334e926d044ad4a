import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Scope } from '@millrace/authorization';
import type { IndexProgress } from '@millrace/model';
import type { KafkaQueue } from '@millrace/queue/kafka';
import type { View } from '@millrace/queue';
import type { IndexBehind, Page, Repository } from '@millrace/repository';
import { openIndexedOverlay } from '@millrace/repository/overlay';
import { systemClock } from '@millrace/service';
import {
  startElasticsearch,
  startKafka,
  type ElasticsearchServer,
  type KafkaServers,
} from '../../../libs/testing/src/servers/index.js';
import { describeWithElasticsearch } from '../../../libs/testing/test/with-servers.js';
import { ACluster, recordsOf, reached, START } from './a-cluster.js';
import { AnElasticsearch } from './an-elasticsearch.js';

const PARTITIONS = 4;
const MAIN = Scope.system('main');
/** Smaller than what there is: pages are joined of both parts. */
const SIZE = 40;

describeWithElasticsearch('reading what is written, on real Kafka and real Elasticsearch', () => {
  jest.setTimeout(420_000);
  let brokers: KafkaServers;
  let node: ElasticsearchServer;
  let cluster: ACluster;
  let index: AnElasticsearch;
  let folder: string;
  let publisher: KafkaQueue;
  let progress: View<IndexProgress>;
  const opened: Repository[] = [];
  beforeAll(async () => {
    [brokers, node] = await Promise.all([startKafka(), startElasticsearch()]);
    folder = mkdtempSync(join(tmpdir(), 'reading-'));
    cluster = new ACluster(brokers.addresses, PARTITIONS);
    index = new AnElasticsearch(node.url, cluster.prefix);
    publisher = await cluster.queue();
    progress = await publisher.view(cluster.topics.indexProgress);
  });
  afterAll(async () => {
    await Promise.all(opened.map((repository) => repository.close()));
    await cluster?.dispose();
    await index?.close();
    await Promise.all([brokers?.stop(), node?.stop()]);
    rmSync(folder, { recursive: true, force: true });
  });

  /** As a webserver opens it. */
  const open = async (): Promise<Repository> => {
    const repository = await openIndexedOverlay({
      queue: await cluster.queue(),
      topics: cluster.topics,
      clock: systemClock,
      folder,
      index: index.part(),
      onError: (error) => {
        throw error;
      },
    });
    opened.push(repository);
    return repository;
  };

  const publish = async (from: number, count: number, revision: number): Promise<void> =>
    publisher.publish(recordsOf(cluster.topics, from, count, revision));

  interface Seen {
    readonly executions: ReadonlyMap<string, number>;
    readonly lines: ReadonlySet<string>;
    readonly behind: readonly IndexBehind[];
  }

  /** Every page of a list. Nothing may be in it twice, and totals are those of what is there. */
  const listed = async <Row>(ask: (page: number) => Promise<Page<Row>>, nameOf: (row: Row) => string) => {
    const rows = new Map<string, Row>();
    const behind: IndexBehind[] = [];
    for (let page = 1; ; page++) {
      const answer = await ask(page);
      if (answer.behind !== undefined) behind.push(answer.behind);
      for (const row of answer.results) {
        expect(rows.has(nameOf(row))).toBe(false);
        rows.set(nameOf(row), row);
      }
      if (answer.results.length < SIZE) {
        expect(rows.size).toBe(answer.total);
        return { rows, behind };
      }
    }
  };

  const seenBy = async (repository: Repository): Promise<Seen> => {
    const query = { size: SIZE, sort: [], filters: [], now: START };
    const executions = await listed(
      (page) => repository.searchExecutions(MAIN, { ...query, page }),
      ({ head }) => head.executionId,
    );
    const logs = await listed(
      (page) => repository.searchLogs(MAIN, { ...query, page }),
      ({ executionId, lineNumber }) => `${executionId}/${lineNumber}`,
    );
    return {
      executions: new Map([...executions.rows].map(([id, { head }]) => [id, head.revision])),
      lines: new Set(logs.rows.keys()),
      behind: [...executions.behind, ...logs.behind],
    };
  };

  /** Reads until the copy has what was published; looking at one waits for what was committed before. */
  const seenWhen = async (repository: Repository, holds: (seen: Seen) => boolean): Promise<Seen> => {
    for (;;) {
      await repository.executionHead(MAIN, 'e0').catch(() => undefined);
      await repository.logs(MAIN, 'e0', { limit: 1 });
      const seen = await seenBy(repository);
      if (holds(seen)) return seen;
    }
  };

  /** Executions e0 … have reached these revisions, with a line for each. */
  const expectAll = async (repository: Repository, revisions: readonly number[]): Promise<Seen> => {
    const lines = revisions.reduce((sum, revision) => sum + revision, 0);
    const seen = await seenWhen(
      repository,
      ({ executions, lines: shown, behind }) =>
        shown.size >= lines &&
        revisions.every((revision, at) => executions.get(`e${at}`) === revision) &&
        behind.every(({ isMissing }) => !isMissing),
    );
    expect(seen.executions.size).toBe(revisions.length);
    expect(seen.lines.size).toBe(lines);
    expect(await repository.countLogs(MAIN, {})).toBe(lines);
    return seen;
  };
  const all = (count: number, revision: number): number[] => Array.from({ length: count }, () => revision);

  it('everything is found once, wherever it is, while the indexer is away, runs and is killed, and after Elasticsearch was away', async () => {
    const repository = await open();
    // No indexer has ever run: there is no index.
    await publish(0, 60, 1);
    await expectAll(repository, all(60, 1));
    // One runs: what is shown moves from the copy to the index while it is read.
    const first = await cluster.indexer(await index.open());
    await publish(60, 60, 1);
    await expectAll(repository, all(120, 1));
    await reached(progress, await cluster.ends());
    await expectAll(repository, all(120, 1));
    // It is killed in the midst of writing.
    await publish(0, 120, 2);
    first.queue.kill();
    await publish(0, 50, 3);
    await expectAll(repository, [...all(50, 3), ...all(70, 2)]);
    await cluster.indexer(await index.open());
    await reached(progress, await cluster.ends());
    await expectAll(repository, [...all(50, 3), ...all(70, 2)]);

    await node.kill();
    await publish(120, 30, 1);
    await publish(120, 30, 2);
    const fresh = Array.from({ length: 30 }, (_, at) => `e${120 + at}`);
    const away = await seenWhen(
      repository,
      ({ executions, lines }) =>
        fresh.every((id) => executions.get(id) === 2) &&
        fresh.every((id) => lines.has(`${id}/1`) && lines.has(`${id}/2`)),
    );
    expect(away.behind.length).toBeGreaterThan(0);
    expect(away.behind.every(({ isMissing }) => isMissing)).toBe(true);
    expect(away.behind[0]?.reason).toMatch(/cannot be reached/);
    // One that is all here needs no index; what is counted does.
    expect((await repository.execution(MAIN, 'e149'))?.head.revision).toBe(2);
    expect((await repository.logs(MAIN, 'e149', { limit: 10 })).map(({ entry }) => entry.lineNumber)).toEqual([1, 2]);
    await expect(repository.countLogs(MAIN, {})).rejects.toMatchObject({ code: 'UNAVAILABLE', retryable: true });

    await node.restart();
    await reached(progress, await cluster.ends());
    const whole = [...all(50, 3), ...all(100, 2)];
    await expectAll(repository, whole);
    // A webserver that starts now has it all from the index.
    const second = await open();
    await expectAll(second, whole);
    expect(second.freshness()).toEqual({ overlay: { rows: 0, newerHeads: 0, oldestSeconds: 0 } });
  });
});
