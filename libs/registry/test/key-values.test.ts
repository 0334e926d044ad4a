import {
  KEY_VALUE_LIMITS,
  LATEST,
  type KeyValue,
  type KeyValueChange,
  type Reply,
  type ResourceChange,
} from '@millrace/model';
import { Key } from './key.js';

const set = (
  value: unknown,
  rest: Partial<Extract<KeyValueChange, { kind: 'set-key-value' }>> = {},
): ResourceChange => ({
  kind: 'set-key-value',
  tenant: 'main',
  namespace: 'team',
  key: 'colour',
  type: 'JSON',
  value,
  overwrite: true,
  ...rest,
});

const keyValueOf = (outcome: Reply['outcome']): KeyValue | undefined =>
  outcome.kind === 'done' && outcome.resource.kind === 'key-value' ? outcome.resource.keyValue : undefined;

describe('a key-value', () => {
  it('has one version more with each change, and keeps when it was made', () => {
    const key = new Key();
    expect(keyValueOf(key.send(set('red', { description: 'of the door' }), { at: 10 }))).toEqual({
      tenant: 'main',
      namespace: 'team',
      key: 'colour',
      version: 1,
      type: 'JSON',
      value: 'red',
      description: 'of the door',
      createdAt: 10,
      updatedAt: 10,
      deleted: false,
    });
    expect(keyValueOf(key.send(set('blue'), { at: 20 }))).toMatchObject({
      version: 2,
      value: 'blue',
      description: 'of the door',
      createdAt: 10,
      updatedAt: 20,
    });
    expect([...key.records.keys()].sort()).toEqual(['commands', LATEST, 'version-1', 'version-2']);
  });

  it('is not overwritten when it must not be, unless it is gone', () => {
    const key = new Key();
    key.send(set(1, { ttlMs: 100, overwrite: false }), { at: 1_000 });
    expect(key.send(set(2, { overwrite: false }), { at: 1_099 })).toMatchObject({ kind: 'refused', reason: 'exists' });
    expect(keyValueOf(key.send(set(2, { overwrite: false }), { at: 1_100 }))).toMatchObject({ version: 2, value: 2 });
    key.send({ kind: 'delete-key-value' }, { at: 1_200 });
    expect(keyValueOf(key.send(set(3, { overwrite: false }), { at: 1_300 }))).toMatchObject({
      version: 3,
      createdAt: 1_300,
    });
  });

  it('is deleted softly: its versions stay', () => {
    const key = new Key();
    key.send(set(1));
    expect(keyValueOf(key.send({ kind: 'delete-key-value' }))).toMatchObject({ deleted: true, version: 1 });
    expect(key.records.get('version-1')).toMatchObject({ keyValue: { deleted: false, value: 1 } });
    expect(key.send({ kind: 'delete-key-value' })).toMatchObject({ kind: 'refused', reason: 'unknown' });
  });

  it('that is too large is refused with a sentence', () => {
    expect(new Key().send(set('x'.repeat(KEY_VALUE_LIMITS.valueLength)))).toMatchObject({
      kind: 'refused',
      reason: 'invalid',
      message: expect.stringContaining('keep large data in a file'),
    });
  });

  it('keeps so many versions, and so much of them, and says which are gone', () => {
    const key = new Key();
    for (let at = 1; at <= KEY_VALUE_LIMITS.versions; at++) key.send(set(at));
    expect(key.send(set('one more'))).toMatchObject({ removedVersions: [1] });
    expect(key.records.size).toBe(KEY_VALUE_LIMITS.versions + 2);
    const large = new Key();
    const value = 'x'.repeat(KEY_VALUE_LIMITS.valueLength - 2);
    for (let at = 0; at < 20; at++) large.send(set(value));
    expect(large.records.size - 2).toBe(KEY_VALUE_LIMITS.versionsLength / KEY_VALUE_LIMITS.valueLength);
  });
});

describe('a purge of a key-value', () => {
  const filled = (): Key => {
    const key = new Key();
    for (const at of [10, 20, 30]) key.send(set(at), { at });
    return key;
  };

  it.each<[string, Extract<KeyValueChange, { kind: 'purge-key-value' }>['versions'], number[]]>([
    ['all but the newest two', { keepAmount: 2 }, [1]],
    ['those before a date', { before: 20 }, [1]],
    ['never the one that is read', { before: 1_000 }, [2, 1]],
    ['those before a date that are not among the newest', { before: 1_000, keepAmount: 2 }, [1]],
    ['none', { before: 1 }, []],
  ])('takes %s', (_what, versions, removed) => {
    const key = filled();
    const outcome = key.send({ kind: 'purge-key-value', ...(versions && { versions }) }, { at: 40 });
    expect(outcome).toMatchObject({
      changed: removed.length > 0,
      ...(removed.length > 0 && { removedVersions: removed }),
    });
    expect(key.records.get(LATEST)).toMatchObject({ keyValue: { value: 30 } });
  });

  it('takes every version of a key that was deleted, and leaves nothing', () => {
    const key = filled();
    key.send({ kind: 'delete-key-value' });
    key.send({ kind: 'purge-key-value', versions: { keepAmount: 0 } });
    expect(key.records.size).toBe(0);
  });

  it('takes a key only when it has expired, or always', () => {
    const key = filled();
    key.send({ kind: 'purge-key-value', whole: 'expired' }, { at: 40 });
    expect(key.records.has(LATEST)).toBe(true);
    key.send(set(1, { ttlMs: 5 }), { at: 50 });
    expect(key.send({ kind: 'purge-key-value', whole: 'expired' }, { at: 55 })).toMatchObject({
      removedVersions: [1, 2, 3, 4],
    });
    expect(key.records.size).toBe(0);
    const living = filled();
    living.send({ kind: 'purge-key-value', whole: 'always' });
    expect(living.records.size).toBe(0);
    expect(living.send({ kind: 'purge-key-value', whole: 'always' })).toMatchObject({ reason: 'unknown' });
  });
});
