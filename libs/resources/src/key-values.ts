import type { Scope } from '@millrace/authorization';
import {
  isLiveKeyValue,
  KEY_VALUE_KEY_PATTERN,
  KEY_VALUE_LIMITS,
  keyValueKey,
  LATEST,
  withParents,
  type Clock,
  type KeyValue,
  type KeyValueType,
  type VersionPurge,
} from '@millrace/model';
import { doneIfThere, doneOf, ResourceRefusedError } from './refused.js';
import type { ResourceAccess } from './resource-access.js';
import { compareText, createResourceIndex, type ResourceIndex } from './resource-index.js';

/** A key-value to be written. */
export interface NewKeyValue {
  readonly namespace: string;
  readonly key: string;
  readonly type: KeyValueType;
  /** Plain JSON. */
  readonly value: unknown;
  readonly description?: string;
  /** Milliseconds until it has expired. */
  readonly ttlMs?: number;
  /** false: refused when the key has a value. Default true. */
  readonly overwrite?: boolean;
}

/** Key-values of namespaces. What a scope does not cover is not there. */
export interface KeyValues {
  /** The newest version, also one that has expired; undefined when there is none or it was deleted. */
  find(scope: Scope, namespace: string, key: string): Promise<KeyValue | undefined>;
  /**
   * The value that a reader in `namespace` gets who names no other: the nearest of the namespace and its parents, which
   * are read also when the scope does not cover them. One that has expired hides those of the parents.
   */
  findInherited(scope: Scope, namespace: string, key: string): Promise<KeyValue | undefined>;
  /** What a reader in `namespace` gets of its parents; by key. Whoever may read a namespace may read what it inherits. */
  listInherited(scope: Scope, namespace: string): Promise<readonly KeyValue[]>;
  /** The newest versions that can be read, of one namespace or of all; by namespace, then key. */
  list(scope: Scope, namespace?: string): Promise<readonly KeyValue[]>;
  /** As `list`, with those that were deleted or have expired. */
  listAll(scope: Scope, namespace?: string): Promise<readonly KeyValue[]>;
  /** @throws ResourceRefusedError exists, invalid */
  set(scope: Scope, written: NewKeyValue): Promise<KeyValue>;
  /** False when there was nothing that could be read. */
  remove(scope: Scope, namespace: string, key: string): Promise<boolean>;
  /** Removes for good; answers how many versions went. */
  purge(
    scope: Scope,
    key: Pick<KeyValue, 'namespace' | 'key'>,
    what: { readonly versions?: VersionPurge; readonly whole?: 'always' | 'expired' },
  ): Promise<number>;
  close(): void;
}

const KEY = new RegExp(KEY_VALUE_KEY_PATTERN);

/** @throws ResourceRefusedError invalid */
export function checkKey(key: string): void {
  if (key.length <= KEY_VALUE_LIMITS.keyLength && KEY.test(key)) return;
  throw new ResourceRefusedError(
    'invalid',
    `'${key.slice(0, 80)}' cannot be a key: it begins with a letter or digit, has only letters, digits, '.', '_' and '-', and at most ${KEY_VALUE_LIMITS.keyLength} of them`,
  );
}

/** Key-values over a server's copy of the resources. */
export const createKeyValues = (access: ResourceAccess, clock: Pick<Clock, 'now'>): KeyValues =>
  new CopiedKeyValues(access, clock);

class CopiedKeyValues implements KeyValues {
  readonly #access: ResourceAccess;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #index: ResourceIndex;

  constructor(access: ResourceAccess, clock: Pick<Clock, 'now'>) {
    this.#access = access;
    this.#clock = clock;
    this.#index = createResourceIndex(access.view, 'kv');
  }

  async find(scope: Scope, namespace: string, key: string): Promise<KeyValue | undefined> {
    await this.#access.refresh();
    return notDeleted(this.#latest(scope, namespace, key));
  }

  async findInherited(scope: Scope, namespace: string, key: string): Promise<KeyValue | undefined> {
    await this.#access.refresh();
    if (!scope.covers(namespace)) return undefined;
    for (const one of withParents(namespace)) {
      const found = notDeleted(this.#latestOf(scope.tenant, one, key));
      if (found) return found;
    }
    return undefined;
  }

  async listInherited(scope: Scope, namespace: string): Promise<readonly KeyValue[]> {
    await this.#access.refresh();
    if (!scope.covers(namespace)) return [];
    const found = new Map<string, KeyValue>();
    for (const one of withParents(namespace).slice(1)) {
      for (const key of this.#index.names(scope.tenant, one)) {
        const keyValue = this.#latestOf(scope.tenant, one, key);
        if (keyValue && isLiveKeyValue(keyValue, this.#clock.now()) && !found.has(key)) found.set(key, keyValue);
      }
    }
    return [...found.values()].sort((one, other) => compareText(one.key, other.key));
  }

  async list(scope: Scope, namespace?: string): Promise<readonly KeyValue[]> {
    const now = this.#clock.now();
    return (await this.listAll(scope, namespace)).filter((keyValue) => isLiveKeyValue(keyValue, now));
  }

  async listAll(scope: Scope, namespace?: string): Promise<readonly KeyValue[]> {
    await this.#access.refresh();
    const { tenant } = scope;
    const namespaces = namespace === undefined ? [...this.#index.namespaces(tenant)] : [namespace];
    return namespaces
      .flatMap((one) => [...this.#index.names(tenant, one)].flatMap((key) => this.#latest(scope, one, key) ?? []))
      .sort((one, other) => compareText(one.namespace, other.namespace) || compareText(one.key, other.key));
  }

  async set(scope: Scope, written: NewKeyValue): Promise<KeyValue> {
    const { namespace, key, type, value, description, ttlMs, overwrite = true } = written;
    checkWritten(written);
    checkCovered(scope, namespace);
    const { resource } = doneOf(
      await this.#access.change(keyValueKey(scope.tenant, namespace, key), {
        kind: 'set-key-value',
        tenant: scope.tenant,
        namespace,
        key,
        type,
        value,
        ...(description === undefined ? {} : { description }),
        ...(ttlMs === undefined ? {} : { ttlMs }),
        overwrite,
      }),
    );
    if (resource.kind !== 'key-value') throw new Error(`The owner of '${key}' answered with a ${resource.kind}`);
    return resource.keyValue;
  }

  async remove(scope: Scope, namespace: string, key: string): Promise<boolean> {
    checkKey(key);
    checkCovered(scope, namespace);
    const outcome = await this.#access.change(keyValueKey(scope.tenant, namespace, key), { kind: 'delete-key-value' });
    return doneIfThere(outcome) !== undefined;
  }

  async purge(
    scope: Scope,
    { namespace, key }: Pick<KeyValue, 'namespace' | 'key'>,
    what: Parameters<KeyValues['purge']>[2],
  ): Promise<number> {
    checkCovered(scope, namespace);
    const change = { kind: 'purge-key-value', ...what } as const;
    const outcome = await this.#access.change(keyValueKey(scope.tenant, namespace, key), change);
    return doneIfThere(outcome)?.removedVersions.length ?? 0;
  }

  close(): void {
    this.#index.close();
  }

  #latestOf(tenant: string, namespace: string, key: string): KeyValue | undefined {
    const record = this.#access.view.get(keyValueKey(tenant, namespace, key), LATEST);
    return record?.kind === 'key-value' && record.keyValue.tenant === tenant ? record.keyValue : undefined;
  }

  #latest(scope: Scope, namespace: string, key: string): KeyValue | undefined {
    return scope.covers(namespace) ? this.#latestOf(scope.tenant, namespace, key) : undefined;
  }
}

const notDeleted = (keyValue: KeyValue | undefined): KeyValue | undefined => (keyValue?.deleted ? undefined : keyValue);

/** @throws ResourceRefusedError invalid */
function checkWritten({ key, description, ttlMs }: NewKeyValue): void {
  checkKey(key);
  if (description !== undefined && description.length > KEY_VALUE_LIMITS.descriptionLength)
    throw new ResourceRefusedError(
      'invalid',
      `The description of '${key}' has ${description.length} characters; at most ${KEY_VALUE_LIMITS.descriptionLength} are allowed`,
    );
  if (ttlMs !== undefined && !(ttlMs > 0))
    throw new ResourceRefusedError('invalid', `The time to live of '${key}' must be longer than nothing`);
}

/** Callers have decided that before; a mistake of theirs must not reach another namespace. */
export function checkCovered(scope: Scope, namespace: string): void {
  if (!scope.covers(namespace)) throw new ResourceRefusedError('unknown', `The namespace '${namespace}' is not known`);
}
