import type { TopicRecord } from './topics.js';

/** What the servers had agreed on, as the topic of resources shows it. */
export interface AgreedLevel {
  readonly format: number;
  readonly current: number;
  readonly placements: readonly { readonly partitions: number }[];
}

/** Every record of the cluster, oldest first. */
export const clusterRecords = (records: readonly TopicRecord[]): readonly AgreedLevel[] =>
  records.flatMap(({ topic, value }) => (topic === 'resources' && isLevel(value) ? [value] : []));

const isLevel = (value: unknown): value is AgreedLevel =>
  typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'cluster';
