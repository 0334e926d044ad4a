import type { Clock } from '@millrace/model';
import type { IndexedTopic, Settlement } from '@millrace/repository';
import { INDEXED_TOPICS } from '@millrace/repository';
import type { Metrics } from '@millrace/service';

/** What operators see of an indexer. */
export interface Figures {
  settled(topic: IndexedTopic, kind: Settlement['kind'], count: number): void;
  /** A bulk of records was acknowledged; the oldest of them was written to the log at `oldest`. */
  acknowledged(topic: IndexedTopic, startedAt: number, oldest: number): void;
  deadLetter(topic: IndexedTopic): void;
  /** `oldest` answers when the oldest record was written that waits in memory; undefined: none does. */
  watch(topic: IndexedTopic, oldest: () => number | undefined): void;
}

export function createFigures(metrics: Metrics, clock: Clock): Figures {
  const records = metrics.counter('indexer_records_total', 'Records by what became of them in the index', [
    'topic',
    'outcome',
  ]);
  const seconds = metrics.histogram('indexer_batch_seconds', 'How long a bulk of records took, in seconds', ['topic']);
  const lag = metrics.histogram(
    'indexer_lag_seconds',
    'From the commit of a record to the acknowledged bulk that holds it, in seconds; the oldest of each bulk',
    ['topic'],
  );
  const letters = metrics.counter('indexer_dead_letters_total', 'Records that the index refused', ['topic']);
  let succeededAt = clock.now();
  metrics.gauge('indexer_last_success_age_seconds', 'Since the last acknowledged bulk', () =>
    toSeconds(clock.now() - succeededAt),
  );
  const lastLag = new Map<IndexedTopic, number>();
  const waiting = new Map<IndexedTopic, () => number | undefined>();
  for (const topic of INDEXED_TOPICS) {
    const name = `indexer_lag_seconds_${topic.replaceAll('-', '_')}`;
    metrics.gauge(name, `How far the index is behind in '${topic}', in seconds`, () => {
      const oldest = waiting.get(topic)?.();
      return oldest === undefined ? (lastLag.get(topic) ?? 0) : toSeconds(clock.now() - oldest);
    });
  }
  return {
    settled: (topic, outcome, count) => records(count, { topic, outcome: outcome === 'retry' ? 'retried' : outcome }),
    acknowledged(topic, startedAt, oldest) {
      succeededAt = clock.now();
      lastLag.set(topic, toSeconds(succeededAt - oldest));
      seconds(toSeconds(succeededAt - startedAt), { topic });
      lag(toSeconds(succeededAt - oldest), { topic });
    },
    deadLetter: (topic) => letters(1, { topic }),
    watch: (topic, oldest) => void waiting.set(topic, oldest),
  };
}

/** Clocks of two servers may differ a little. */
const toSeconds = (ms: number): number => Math.max(0, ms) / 1_000;
