import { keyOf } from './ids.js';

/** Types of key-values (spec tasks.md §5). */
export const KEY_VALUE_TYPES = ['STRING', 'NUMBER', 'BOOLEAN', 'DATETIME', 'DATE', 'DURATION', 'JSON'] as const;
export type KeyValueType = (typeof KEY_VALUE_TYPES)[number];

/** What the key of a key-value looks like. */
export const KEY_VALUE_KEY_PATTERN = '^[a-zA-Z0-9][a-zA-Z0-9._-]*$';

/** Bounds of a key-value: its text as JSON, its description, its versions that are kept (and their size together). */
export const KEY_VALUE_LIMITS = {
  keyLength: 256,
  valueLength: 256 * 1024,
  descriptionLength: 1_000,
  versions: 100,
  versionsLength: 2 * 1024 * 1024,
} as const;

/** One version of a value that flows share by its name in a namespace. Immutable; the record `latest` is the newest. */
export interface KeyValue {
  readonly tenant: string;
  readonly namespace: string;
  readonly key: string;
  /** 1 for the first; goes on after a deletion. */
  readonly version: number;
  readonly type: KeyValueType;
  /** Plain JSON: DATETIME, DATE and DURATION are text. */
  readonly value: unknown;
  readonly description?: string;
  /** Of the key, in milliseconds since the epoch. */
  readonly createdAt: number;
  /** Of this version, in milliseconds since the epoch. */
  readonly updatedAt: number;
  /** From then on it reads as gone, in milliseconds since the epoch. Absent: never. */
  readonly expiresAt?: number;
  /** Deleted by somebody; its versions are kept until they are purged. */
  readonly deleted: boolean;
}

/** True when a reader finds a value: neither deleted nor expired. */
export const isLiveKeyValue = ({ deleted, expiresAt }: KeyValue, now: number): boolean =>
  !deleted && !(expiresAt !== undefined && expiresAt <= now);

/** Which versions of a key or of a file go: those written before a date, all but the newest so many, or both. */
export interface VersionPurge {
  /** Milliseconds since the epoch; later versions stay. */
  readonly before?: number;
  /** So many of the newest stay, whatever their age. */
  readonly keepAmount?: number;
}

/** Commands to the owner of a key-value. */
export type KeyValueChange =
  | {
      readonly kind: 'set-key-value';
      readonly tenant: string;
      readonly namespace: string;
      readonly key: string;
      readonly type: KeyValueType;
      readonly value: unknown;
      /** Absent: the one before stays. */
      readonly description?: string;
      /** How long from now it can be read, in milliseconds. */
      readonly ttlMs?: number;
      /** false: refused when the key has a value. */
      readonly overwrite: boolean;
    }
  | { readonly kind: 'delete-key-value' }
  /** Removes old versions, never a value that can be read; with `whole` the key with all of them. */
  | { readonly kind: 'purge-key-value'; readonly versions?: VersionPurge; readonly whole?: 'always' | 'expired' };

/** The key of a key-value and of all its versions. */
export const keyValueKey = (tenant: string, namespace: string, key: string): string =>
  keyOf(tenant, 'kv', namespace, key);

/** Id of the record of one version, under the key of what has versions. */
export const versionId = (version: number): string => `version-${version}`;
