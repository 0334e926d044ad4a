import {
  CLUSTER_ID,
  FIRST_FORMAT,
  PLACEMENT_FORMAT,
  PLACEMENT_MARKS,
  type ClusterChange,
  type ClusterRecord,
  type ServiceInstance,
} from '@millrace/model';
import { refused, type Changes, type Refused, type ResourceState } from './changes.js';
import { isAlive } from './liveness.js';

/** Decides a command to the owner of the cluster's record: compared with what it was decided on, then set. */
export function changeCluster(state: ResourceState, wanted: ClusterChange): Changes | Refused {
  const stored = state.get(CLUSTER_ID);
  const record = stored?.kind === 'cluster' ? stored : undefined;
  const level = record?.format ?? FIRST_FORMAT;
  switch (wanted.kind) {
    case 'raise-level': {
      const { to, partitions, version } = wanted;
      if (to !== level + 1) return refused('conflict', `The level is ${level}: it cannot become ${to} now`);
      const { version: _earlier, ...rest } = record ?? FIRST(partitions);
      return changed({ ...rest, format: to, ...(version === undefined ? {} : { version }) });
    }
    case 'propose-placement': {
      const { after, partitions } = wanted;
      const last = record?.placements.at(-1)?.partitions ?? 0;
      if (record === undefined || level < PLACEMENT_FORMAT) {
        return refused('conflict', `Partitions are added at level ${PLACEMENT_FORMAT}, and the level is ${level}`);
      }
      if (record.placements.length !== after || record.current !== after - 1) {
        return refused(
          'conflict',
          `There are ${record.placements.length} placements, number ${record.current} is used`,
        );
      }
      if (partitions <= last || after >= PLACEMENT_MARKS.length) {
        return refused('invalid', `${partitions} partitions cannot follow on ${last} in placement ${after}`);
      }
      return changed({ ...record, placements: [...record.placements, { partitions }] });
    }
    case 'use-placement': {
      const { placement } = wanted;
      if (record?.current !== placement - 1 || placement >= record.placements.length) {
        return refused('conflict', `Placement ${placement} does not come after number ${record?.current ?? 0}`);
      }
      return changed({ ...record, current: placement });
    }
    default:
      return wanted satisfies never;
  }
}

const FIRST = (partitions: number): ClusterRecord => ({
  kind: 'cluster',
  format: FIRST_FORMAT,
  placements: [{ partitions }],
  current: 0,
});

const changed = (record: ClusterRecord): Changes => ({
  kind: 'changes',
  facts: [{ id: CLUSTER_ID, resource: record }],
  shown: record,
  recordId: CLUSTER_ID,
});

/** A server's part in what the cluster agrees on. */
export interface ClusterWish {
  /** The highest format that this version reads. */
  readonly format: number;
  readonly version?: string;
  /** That the topics have as long as there is no record. */
  readonly partitions: number;
  /** What this server's configuration asks for. */
  readonly wantedPartitions: number;
}

/**
 * The next command that the cluster is ready for: the level rises by one when every live server reads the next; a proposed
 * placement is used when every live server knows it; more partitions are proposed when somebody wants them and the level
 * allows them. undefined: it is as it can be now. Nothing is asked of owners of an older version: they are live servers too.
 */
export function nextClusterChange(
  record: ClusterRecord | undefined,
  services: Iterable<ServiceInstance>,
  { format, version, partitions, wantedPartitions }: ClusterWish,
): ClusterChange | undefined {
  const live = [...services].filter(isAlive);
  if (live.length === 0) return undefined;
  const level = record?.format ?? FIRST_FORMAT;
  if (level < format && live.every((service) => service.format > level)) {
    return { kind: 'raise-level', to: level + 1, partitions, ...(version === undefined ? {} : { version }) };
  }
  if (record === undefined) return undefined;
  const { placements, current } = record;
  const next = placements[current + 1];
  if (next !== undefined) {
    const isKnown = live.every((service) => (service.placements ?? 1) > current + 1);
    return isKnown ? { kind: 'use-placement', placement: current + 1 } : undefined;
  }
  const last = placements.at(-1)?.partitions ?? 0;
  return wantedPartitions > last && level >= PLACEMENT_FORMAT && placements.length < PLACEMENT_MARKS.length
    ? { kind: 'propose-placement', after: placements.length, partitions: wantedPartitions }
    : undefined;
}
