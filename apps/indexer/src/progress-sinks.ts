import {
  INDEX_GENERATION_ID,
  INDEX_PROGRESS_ID,
  indexGenerationKey,
  indexProgressKey,
  outgoing,
  type IndexGeneration,
  type IndexGenerationRecord,
  type IndexProgress,
  type OutgoingRecord,
  type Topics,
} from '@millrace/model';
import type { Queue, View } from '@millrace/queue';
import type { ProgressSink } from './progress.js';

/** Of the generation that is searched: webservers go by it. */
export const searchedSink = (
  queue: Pick<Queue, 'publish'>,
  topics: Topics,
  view: Pick<View<IndexProgress>, 'get'>,
): ProgressSink => ({
  shown: (topic, partition) => view.get(indexProgressKey(topic, partition), INDEX_PROGRESS_ID)?.searchable,
  publish: (progress) =>
    queue.publish(
      progress.map((value) =>
        outgoing({
          topic: topics.indexProgress,
          key: indexProgressKey(value.topic, value.partition),
          id: INDEX_PROGRESS_ID,
          value,
        }),
      ),
    ),
});

/** Of a generation that is filling: the command that rebuilds waits for it. */
export const fillingSink = (
  queue: Pick<Queue, 'publish'>,
  topics: Topics,
  view: Pick<View<IndexGenerationRecord>, 'get'>,
  generation: number,
): ProgressSink => ({
  shown: (topic, partition) => fillingOffset(view, generation, topic, partition),
  publish: (progress) =>
    queue.publish(
      progress.map(({ topic, partition, searchable }) =>
        generationRecord(topics, indexGenerationKey.filling(topic, partition), {
          kind: 'filling',
          generation,
          topic,
          partition,
          searchable,
        }),
      ),
    ),
});

/** How far a generation that is filling has come, as its indexers tell. */
export function fillingOffset(
  view: Pick<View<IndexGenerationRecord>, 'get'>,
  generation: number,
  topic: string,
  partition: number,
): number | undefined {
  const record = view.get(indexGenerationKey.filling(topic, partition), INDEX_GENERATION_ID);
  return record?.kind === 'filling' && record.generation === generation ? record.searchable : undefined;
}

/** The generation that the indexers write; undefined: the first, or none was ever rebuilt. */
export function announced(view: Pick<View<IndexGenerationRecord>, 'get'>): IndexGeneration | undefined {
  const record = view.get(indexGenerationKey.generation, INDEX_GENERATION_ID);
  return record?.kind === 'generation' ? record : undefined;
}

export const generationRecord = (topics: Topics, key: string, value: IndexGenerationRecord | null): OutgoingRecord =>
  outgoing({ topic: topics.indexGeneration, key, id: INDEX_GENERATION_ID, value });
