import {
  isLiveKeyValue,
  KEY_VALUE_LIMITS,
  LATEST,
  versionId,
  type KeyValue,
  type KeyValueChange,
  type Resource,
} from '@millrace/model';
import { refused, type Changes, type Refused, type ResourceState } from './changes.js';
import { keepingOneLess, purgedVersions, removals, surplusVersions } from './versions.js';

type SetKeyValue = Extract<KeyValueChange, { kind: 'set-key-value' }>;
type PurgeKeyValue = Extract<KeyValueChange, { kind: 'purge-key-value' }>;

/** Decides a command to the owner of a key-value. */
export function changeKeyValue(state: ResourceState, wanted: KeyValueChange, at: number): Changes | Refused {
  switch (wanted.kind) {
    case 'set-key-value':
      return set(state, wanted, at);
    case 'delete-key-value':
      return remove(state, at);
    case 'purge-key-value':
      return purge(state, wanted, at);
    default:
      return wanted satisfies never;
  }
}

const ofRecord = (resource: Resource | undefined): KeyValue | undefined =>
  resource?.kind === 'key-value' ? resource.keyValue : undefined;

const latestOf = (state: ResourceState): KeyValue | undefined => ofRecord(state.get(LATEST));

const versionsOf = (state: ResourceState): readonly KeyValue[] =>
  [...state.entries()].flatMap(([id, resource]) => (id === LATEST ? [] : (ofRecord(resource) ?? [])));

const lengthOf = (value: unknown): number => JSON.stringify(value)?.length ?? 0;

function set(state: ResourceState, wanted: SetKeyValue, at: number): Changes | Refused {
  const { tenant, namespace, key, type, value, ttlMs, overwrite } = wanted;
  const length = lengthOf(value);
  if (length > KEY_VALUE_LIMITS.valueLength) {
    return refused(
      'invalid',
      `The value of '${key}' has ${length} characters as JSON, more than ${KEY_VALUE_LIMITS.valueLength}: keep large data in a file, and its URI here`,
    );
  }
  const latest = latestOf(state);
  const isThere = latest !== undefined && isLiveKeyValue(latest, at);
  if (isThere && !overwrite) {
    return refused(
      'exists',
      `The key '${key}' exists already in namespace '${namespace}', and must not be overwritten`,
    );
  }
  const description = wanted.description ?? (isThere ? latest.description : undefined);
  const keyValue: KeyValue = {
    tenant,
    namespace,
    key,
    version: (latest?.version ?? 0) + 1,
    type,
    value,
    ...(description === undefined ? {} : { description }),
    createdAt: isThere ? latest.createdAt : at,
    updatedAt: at,
    ...(ttlMs === undefined ? {} : { expiresAt: at + ttlMs }),
    deleted: false,
  };
  const surplus = surplusVersions(
    [...versionsOf(state), keyValue].map((one) => ({ ...one, size: lengthOf(one.value) })),
    { versions: KEY_VALUE_LIMITS.versions, size: KEY_VALUE_LIMITS.versionsLength },
  );
  const resource = wrap(keyValue);
  const recordId = versionId(keyValue.version);
  return {
    kind: 'changes',
    facts: [{ id: recordId, resource }, { id: LATEST, resource }, ...removals(surplus)],
    shown: resource,
    recordId,
    ...(surplus.length === 0 ? {} : { removedVersions: surplus }),
  };
}

const wrap = (keyValue: KeyValue): Resource => ({ kind: 'key-value', keyValue });

function remove(state: ResourceState, at: number): Changes | Refused {
  const latest = latestOf(state);
  if (!latest || !isLiveKeyValue(latest, at)) return refused('unknown', 'There is no such key');
  const resource = wrap({ ...latest, deleted: true });
  return { kind: 'changes', facts: [{ id: LATEST, resource }], shown: resource, recordId: LATEST };
}

function purge(state: ResourceState, wanted: PurgeKeyValue, at: number): Changes | Refused {
  const latest = latestOf(state);
  if (!latest) return refused('unknown', 'There is no such key');
  const known = versionsOf(state);
  const removed = purged(latest, known, wanted, at);
  if (removed.length === 0) return { kind: 'changes', facts: [], shown: wrap(latest), recordId: LATEST };
  const isWhole = removed.length === known.length;
  return {
    kind: 'changes',
    facts: [...removals(removed), { id: LATEST, resource: isWhole ? null : wrap(latest) }],
    shown: wrap(latest),
    recordId: LATEST,
    removedVersions: removed,
    ...(isWhole ? { forgetsKey: true } : {}),
  };
}

function purged(
  latest: KeyValue,
  known: readonly KeyValue[],
  { whole, versions }: PurgeKeyValue,
  at: number,
): readonly number[] {
  const isExpired = latest.expiresAt !== undefined && latest.expiresAt <= at;
  if (whole === 'always' || (whole === 'expired' && isExpired)) return known.map(({ version }) => version);
  if (!versions) return [];
  if (!isLiveKeyValue(latest, at)) return purgedVersions(known, versions);
  // A value that can be read is never taken away with old versions.
  const others = known.filter(({ version }) => version !== latest.version);
  return purgedVersions(others, keepingOneLess(versions));
}
