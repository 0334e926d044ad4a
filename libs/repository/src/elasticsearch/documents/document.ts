import type { LoggedRecord } from '@millrace/queue';
import type { Kind } from '../names.js';

/** What a record becomes in the index. */
export interface Operation {
  readonly kind: Kind;
  readonly id: string;
  /** Decides which index: milliseconds since the epoch. Nothing where the kind has one index. */
  readonly at: number;
  /** What is older than this is not written over it. Absent: written once, and always the same. */
  readonly version?: number;
  /** Absent: it is removed. */
  readonly document?: object;
}

/** Grows with each record of a key. */
export const positionOf = ({ offset }: Pick<LoggedRecord<unknown>, 'offset'>): number => offset + 1;

export const textOf = (record: unknown): string => JSON.stringify(record);
