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

/**
 * Servers that run, as far as their newest heartbeats tell, and read less than a level. Those of a version whose servers do not
 * announce themselves are not among them: nobody can wait for them.
 */
export function announcedBelow(records: readonly TopicRecord[], level: number): readonly string[] {
  const newest = new Map<string, Announcement>();
  for (const { topic, value } of records)
    if (topic === 'services' && isAnnouncement(value)) newest.set(value.instance, value);
  return [...newest.values()]
    .filter(({ state, format }) => ['RUNNING', 'MAINTENANCE'].includes(state) && format < level)
    .map(({ role, instance }) => `${role} ${instance}`);
}

interface Announcement {
  readonly instance: string;
  readonly role: string;
  readonly state: string;
  readonly format: number;
}

const isAnnouncement = (value: unknown): value is Announcement =>
  typeof value === 'object' && value !== null && 'instance' in value && 'format' in value && 'state' in value;
