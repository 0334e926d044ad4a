import type { StoredTopic } from '../shell/commit.js';
import type { KafkaParts } from './parts.js';
import { EARLIEST, offsetsAt } from './range.js';

const TRIM_MS = 60_000;

/**
 * Removes events that are older than the topic's retention and applied. Kafka's own retention would not ask whether they
 * were: these topics are made with none, so that an outage of any length loses nothing.
 * @param applied by partition: how many events from the log's beginning are done with
 */
async function trim(
  { wire, topics, clock, admin }: KafkaParts,
  input: Pick<StoredTopic, 'name' | 'retentionMs'>,
  applied: ReadonlyMap<number, number>,
): Promise<void> {
  if (input.retentionMs === undefined || applied.size === 0) return;
  const name = topics.nameOf(input);
  const partitions = [...applied.keys()];
  const starts = await offsetsAt(wire, name, partitions, EARLIEST);
  const young = await offsetsAt(wire, name, partitions, String(clock.now() - input.retentionMs));
  const removals = partitions.flatMap((partition) => {
    const firstYoung = young.get(partition) ?? -1;
    // -1: none is young. The last applied one stays.
    const upTo = Math.min(firstYoung < 0 ? Infinity : firstYoung, (applied.get(partition) ?? 0) - 1);
    return upTo > (starts.get(partition) ?? 0) ? [{ partition, offset: String(upTo) }] : [];
  });
  if (removals.length > 0) await (await admin()).deleteTopicRecords({ topic: name, partitions: removals });
}

/** Trims every minute, of the partitions that are this process's then. */
export class Trimming {
  readonly #parts: KafkaParts;
  readonly #topic: Pick<StoredTopic, 'name' | 'retentionMs'>;
  readonly #applied: () => ReadonlyMap<number, number>;
  #cancel: (() => void) | undefined;
  #isBusy = false;
  #stopped = false;

  constructor(
    parts: KafkaParts,
    topic: Pick<StoredTopic, 'name' | 'retentionMs'>,
    applied: () => ReadonlyMap<number, number>,
  ) {
    this.#parts = parts;
    this.#topic = topic;
    this.#applied = applied;
    this.#schedule();
  }

  get isBusy(): boolean {
    return this.#isBusy;
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel?.();
  }

  #schedule(): void {
    if (this.#stopped) return;
    this.#cancel = this.#parts.clock.after(TRIM_MS, () => {
      this.#isBusy = true;
      trim(this.#parts, this.#topic, this.#applied())
        .catch((thrown: unknown) =>
          this.#parts.log.debug(
            { topic: this.#topic.name, reason: String(thrown) },
            'Old records could not be removed; the next round tries again',
          ),
        )
        .finally(() => {
          this.#isBusy = false;
          this.#schedule();
        });
    });
  }
}
