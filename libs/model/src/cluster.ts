import { keyOf } from './ids.js';
import { FIRST_FORMAT, type ExecutionHead } from './execution.js';
import { ID_LENGTH, PLACEMENT_MARKS } from './placed-ids.js';

/**
 * What all servers of a cluster have agreed on: the level of the records' format, and where executions lie. The one record
 * under `CLUSTER_KEY`; without it the level is 1 and the topics have the partitions with which they were made.
 */
export interface ClusterRecord {
  readonly kind: 'cluster';
  /** Format in which all servers write; only rises, by one at a time, when every live server reads the next one. */
  readonly format: ExecutionHead['format'];
  /** Of the product: the version that raised the format, so it reads it. */
  readonly version?: string;
  /** Generations of placements, the first one first: how many partitions the executions of each are spread over. */
  readonly placements: readonly Placement[];
  /** The one that new executions get. Those after it are proposed, until every live server knows them. */
  readonly current: number;
}

export interface Placement {
  readonly partitions: number;
}

/** A command to the owner of the cluster's record. Each says what it was decided on: a repeat, or a late one, is refused. */
export type ClusterChange =
  /** @param partitions of the first placement, when there is no record yet */
  | { readonly kind: 'raise-level'; readonly to: number; readonly partitions: number; readonly version?: string }
  /** @param after placements that are known already */
  | { readonly kind: 'propose-placement'; readonly after: number; readonly partitions: number }
  | { readonly kind: 'use-placement'; readonly placement: number };

/** The key of what concerns the whole cluster. */
export const CLUSTER_KEY = keyOf('_instance', 'cluster');
/** The id of its record. */
export const CLUSTER_ID = 'cluster';

/** The format from which on ids of executions may name their placement. */
export const PLACEMENT_FORMAT = 2;

const HYPHEN = 45;
const SLASH = 47;

/**
 * What a process knows of its cluster: shared by the topics that are placed by execution, told by whoever follows the
 * cluster's record. Without a cluster it never changes: format 1, one placement.
 */
export class ClusterState {
  #counts: readonly number[];
  #current = 0;
  #format: number = FIRST_FORMAT;
  #isTold: boolean;
  readonly #listeners = new Set<() => void>();

  /** @param partitions of the first placement; with `toBeTold` only until the topics or the record say another number */
  constructor(partitions: number | readonly number[], { toBeTold = false }: { readonly toBeTold?: boolean } = {}) {
    this.#counts = typeof partitions === 'number' ? [partitions] : partitions;
    this.#isTold = !toBeTold;
  }

  /** False as long as the number of partitions is a guess. */
  get isTold(): boolean {
    return this.#isTold;
  }

  /** Of each placement. */
  get counts(): readonly number[] {
    return this.#counts;
  }

  /** Of the topics: as many as the largest placement has, which is the last. */
  get partitions(): number {
    return this.#counts.at(-1) ?? 1;
  }

  /** The placement that new executions get. */
  get current(): number {
    return this.#current;
  }

  /** The format in which records are written. */
  get format(): number {
    return this.#format;
  }

  /** The topics have been found with so many partitions; what the record says comes later. */
  found(partitions: number): void {
    if (!this.#isTold) this.#counts = [partitions];
  }

  /** What the record says; the partitions that it names are there. undefined: there is none, and what was found holds. */
  tell(record: Pick<ClusterRecord, 'format' | 'placements' | 'current'> | undefined): void {
    const before = this.partitions;
    this.#isTold = true;
    if (record === undefined) return;
    this.#counts = record.placements.map(({ partitions }) => partitions);
    this.#current = Math.min(record.current, this.#counts.length - 1);
    this.#format = record.format;
    if (this.partitions > before) for (const listener of [...this.#listeners]) listener();
  }

  /** Calls `listener` when there are more partitions than before. Answers how to stop it. */
  onGrowth(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /**
   * Over how many partitions the key is spread: by the placement in the execution's id, which is the last part of the key. A
   * placement that nobody has proposed belongs to no execution, so any answer is right.
   */
  partitionsFor(key: string): number {
    const counts = this.#counts;
    const { length } = key;
    if (
      counts.length > 1 &&
      key.charCodeAt(length - 2) === HYPHEN &&
      key.charCodeAt(length - ID_LENGTH - 3) === SLASH
    ) {
      const placement = PLACEMENT_MARKS.indexOf(key.charAt(length - 1));
      if (placement > 0) return counts[placement] ?? counts[0] ?? 1;
    }
    return counts[0] ?? 1;
  }
}
