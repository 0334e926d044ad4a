/** A record nobody could handle, kept for people: list, inspect, replay. */
export interface DeadLetter {
  readonly topic: string;
  readonly partition: number;
  readonly position: number;
  readonly key: string;
  readonly value: unknown;
  readonly processor: string;
  readonly reason: string;
  readonly at: number;
}

/** Somebody had a letter's record published again; lies in the same log, so that it is not done twice by accident. */
export interface DeadLetterReplayed {
  readonly kind: 'replayed';
  /** The letter: its partition and position in the log of letters. */
  readonly letter: string;
  /** Name of the account. */
  readonly by: string;
  readonly at: number;
}

/** What the log of letters holds. */
export type DeadLetterRecord = DeadLetter | DeadLetterReplayed;

export const isReplayMark = (record: DeadLetterRecord): record is DeadLetterReplayed => 'kind' in record;
