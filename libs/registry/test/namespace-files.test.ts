import {
  FILE_NUMBERS,
  LATEST,
  NAMESPACE_FILE_LIMITS,
  type NamespaceFile,
  type Reply,
  type ResourceChange,
} from '@millrace/model';
import { Key } from './key.js';

const PLACE = { tenant: 'main', namespace: 'team', path: 'a/b.txt' };
const RESERVE: ResourceChange = { kind: 'reserve-file-version', ...PLACE };
const save = (version: number, overwrite = true): ResourceChange => ({
  kind: 'save-file-version',
  ...PLACE,
  version,
  size: version * 10,
  overwrite,
});
const DIRECTORY: ResourceChange = { kind: 'make-directory', ...PLACE };

const fileOf = (outcome: Reply['outcome']): NamespaceFile | undefined =>
  outcome.kind === 'done' && outcome.resource.kind === 'namespace-file' ? outcome.resource.file : undefined;

describe('a file of a namespace', () => {
  it('gets a number for each upload, and is there when its content is', () => {
    const key = new Key();
    expect(key.send(RESERVE)).toMatchObject({ resource: { reserved: 1 } });
    expect(key.send(RESERVE)).toMatchObject({ resource: { reserved: 2 } });
    expect(key.records.has(LATEST)).toBe(false);
    expect(fileOf(key.send(save(2), { at: 7 }))).toEqual({
      ...PLACE,
      type: 'file',
      version: 2,
      size: 20,
      createdAt: 7,
      updatedAt: 7,
      deleted: false,
    });
  });

  it('stays the newest one when an older upload ends later', () => {
    const key = new Key();
    key.send(save(2));
    expect(fileOf(key.send(save(1)))).toMatchObject({ version: 2 });
    expect(key.records.get('version-1')).toMatchObject({ file: { size: 10 } });
  });

  it('is not overwritten when it must not be, unless it was deleted', () => {
    const key = new Key();
    key.send(save(1), { at: 3 });
    expect(key.send(save(2, false))).toMatchObject({ kind: 'refused', reason: 'exists' });
    key.send({ kind: 'delete-file' });
    expect(fileOf(key.send(save(3, false), { at: 9 }))).toMatchObject({ version: 3, createdAt: 9, deleted: false });
  });

  it('is deleted softly, once', () => {
    const key = new Key();
    key.send(save(1));
    expect(fileOf(key.send({ kind: 'delete-file' }))).toMatchObject({ deleted: true });
    expect(key.records.has('version-1')).toBe(true);
    expect(key.send({ kind: 'delete-file' })).toMatchObject({ kind: 'refused', reason: 'unknown' });
  });

  it('cannot be where a folder is, nor a folder where it is', () => {
    const file = new Key();
    file.send(save(1));
    expect(file.send(DIRECTORY)).toMatchObject({ kind: 'refused', reason: 'conflict' });
    const folder = new Key();
    expect(fileOf(folder.send(DIRECTORY))).toMatchObject({ type: 'directory', size: 0 });
    expect(folder.send(DIRECTORY)).toMatchObject({ changed: false });
    expect(folder.send(RESERVE)).toMatchObject({ kind: 'refused', reason: 'conflict' });
    expect(folder.send(save(1))).toMatchObject({ kind: 'refused', reason: 'conflict' });
  });

  it('keeps so many versions, and says which are gone', () => {
    const key = new Key();
    for (let at = 1; at <= NAMESPACE_FILE_LIMITS.versions; at++) key.send(save(at));
    expect(key.send(save(NAMESPACE_FILE_LIMITS.versions + 1))).toMatchObject({ removedVersions: [1] });
  });

  it('is purged of old versions, and wholly when it was deleted; its numbers go on', () => {
    const key = new Key();
    for (const version of [1, 2, 3]) {
      key.send(RESERVE);
      key.send(save(version), { at: version * 10 });
    }
    expect(key.send({ kind: 'purge-file', versions: { keepAmount: 1 } })).toMatchObject({ removedVersions: [2, 1] });
    expect(key.send({ kind: 'purge-file', versions: { before: 1_000 } })).toMatchObject({ changed: false });
    key.send({ kind: 'delete-file' });
    expect(key.send({ kind: 'purge-file', versions: { before: 1_000 } })).toMatchObject({ removedVersions: [3] });
    expect([...key.records.keys()].sort()).toEqual(['commands', FILE_NUMBERS]);
    expect(key.send(RESERVE)).toMatchObject({ resource: { reserved: 4 } });
  });
});
