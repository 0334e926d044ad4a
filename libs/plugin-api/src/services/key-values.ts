import type { KeyValueType, VersionPurge } from '@millrace/model';

/** A key-value to be written by a task. */
export interface TaskKeyValue {
  readonly namespace: string;
  readonly key: string;
  /** What has a JSON form; dates become text. */
  readonly value: unknown;
  readonly type: KeyValueType;
  readonly description?: string;
  /** Milliseconds until it has expired. */
  readonly ttlMs?: number;
  /** false: the task fails when the key has a value. Default true. */
  readonly overwrite?: boolean;
}

/**
 * Key-values of the tenant. What a task has written, every later reader gets, on whichever worker. Methods throw an error
 * with a sentence when something is refused.
 */
export interface TaskKeyValues {
  /**
   * The value of a key; undefined when there is none or it has expired. In the task's own namespace its parents are asked
   * too, the nearest first.
   */
  get(namespace: string, key: string): Promise<{ readonly value: unknown } | undefined>;
  set(written: TaskKeyValue): Promise<void>;
  /** False when there was nothing. */
  remove(namespace: string, key: string): Promise<boolean>;
  /** Keys of a namespace that have a value, sorted. */
  keys(namespace: string): Promise<readonly string[]>;
  /** Every key of every namespace, those that are deleted or have expired included. */
  everyKey(): Promise<readonly { readonly namespace: string; readonly key: string }[]>;
  /** Removes versions, or the whole key, for good; answers how many versions went. */
  purge(
    of: { readonly namespace: string; readonly key: string },
    what: { readonly versions?: VersionPurge; readonly whole?: 'always' | 'expired' },
  ): Promise<number>;
}
