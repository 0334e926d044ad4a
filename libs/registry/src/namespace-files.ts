import {
  FILE_NUMBERS,
  LATEST,
  NAMESPACE_FILE_LIMITS,
  versionId,
  type NamespaceFile,
  type NamespaceFileChange,
  type Resource,
} from '@millrace/model';
import { refused, type Changes, type Refused, type ResourceState } from './changes.js';
import { keepingOneLess, purgedVersions, removals, surplusVersions } from './versions.js';

type Change<Kind extends NamespaceFileChange['kind']> = Extract<NamespaceFileChange, { kind: Kind }>;

/** Decides a command to the owner of a path in a namespace. */
export function changeNamespaceFile(state: ResourceState, wanted: NamespaceFileChange, at: number): Changes | Refused {
  switch (wanted.kind) {
    case 'reserve-file-version':
      return reserve(state, wanted);
    case 'save-file-version':
      return save(state, wanted, at);
    case 'make-directory':
      return makeDirectory(state, wanted, at);
    case 'delete-file':
      return remove(state, at);
    case 'purge-file':
      return purge(state, wanted);
    default:
      return wanted satisfies never;
  }
}

const wrap = (file: NamespaceFile): Resource => ({ kind: 'namespace-file', file });

const ofRecord = (resource: Resource | undefined): NamespaceFile | undefined =>
  resource?.kind === 'namespace-file' ? resource.file : undefined;

const latestOf = (state: ResourceState): NamespaceFile | undefined => ofRecord(state.get(LATEST));

const versionsOf = (state: ResourceState): readonly NamespaceFile[] =>
  [...state.entries()].flatMap(([id, resource]) => (id === LATEST ? [] : (ofRecord(resource) ?? [])));

const isDirectory = (file: NamespaceFile | undefined): boolean =>
  file !== undefined && !file.deleted && file.type === 'directory';

const isFolder = (path: string): Refused => refused('conflict', `'${path}' is a folder, and not a file`);

function reserve(state: ResourceState, { path }: Change<'reserve-file-version'>): Changes | Refused {
  if (isDirectory(latestOf(state))) return isFolder(path);
  const numbers = state.get(FILE_NUMBERS);
  const reserved = (numbers?.kind === 'namespace-file-numbers' ? numbers.reserved : 0) + 1;
  const resource: Resource = { kind: 'namespace-file-numbers', reserved };
  return { kind: 'changes', facts: [{ id: FILE_NUMBERS, resource }], shown: resource, recordId: FILE_NUMBERS };
}

function save(
  state: ResourceState,
  { tenant, namespace, path, version, size, overwrite }: Change<'save-file-version'>,
  at: number,
): Changes | Refused {
  const latest = latestOf(state);
  if (isDirectory(latest)) return isFolder(path);
  const isThere = latest !== undefined && !latest.deleted;
  if (isThere && !overwrite) {
    return refused(
      'exists',
      `The file '${path}' exists already in namespace '${namespace}', and must not be overwritten`,
    );
  }
  const file: NamespaceFile = {
    tenant,
    namespace,
    path,
    type: 'file',
    version,
    size,
    createdAt: isThere ? latest.createdAt : at,
    updatedAt: at,
    deleted: false,
  };
  // An upload that began before the newest one and ends after it is as if it had come before.
  const newest = isThere && latest.version > version ? latest : file;
  const surplus = surplusVersions(
    [...versionsOf(state), file].map((one) => ({ ...one, size: 0 })),
    { versions: NAMESPACE_FILE_LIMITS.versions, size: 0 },
  );
  return {
    kind: 'changes',
    facts: [
      { id: versionId(version), resource: wrap(file) },
      { id: LATEST, resource: wrap(newest) },
      ...removals(surplus),
    ],
    shown: wrap(newest),
    recordId: LATEST,
    ...(surplus.length === 0 ? {} : { removedVersions: surplus }),
  };
}

function makeDirectory(
  state: ResourceState,
  { tenant, namespace, path }: Change<'make-directory'>,
  at: number,
): Changes | Refused {
  const latest = latestOf(state);
  if (latest && !latest.deleted) {
    if (latest.type === 'file') return refused('conflict', `'${path}' is a file, and not a folder`);
    return { kind: 'changes', facts: [], shown: wrap(latest), recordId: LATEST };
  }
  return onlyLatest({
    tenant,
    namespace,
    path,
    type: 'directory',
    version: 0,
    size: 0,
    createdAt: at,
    updatedAt: at,
    deleted: false,
  });
}

const onlyLatest = (file: NamespaceFile): Changes => ({
  kind: 'changes',
  facts: [{ id: LATEST, resource: wrap(file) }],
  shown: wrap(file),
  recordId: LATEST,
});

function remove(state: ResourceState, at: number): Changes | Refused {
  const latest = latestOf(state);
  if (!latest || latest.deleted) return refused('unknown', 'There is no such file');
  return onlyLatest({
    ...latest,
    deleted: true,
    updatedAt: at,
  });
}

/**
 * The numbers of a path stay when all its versions go: whoever removes the contents must not meet those of a new file.
 */
function purge(state: ResourceState, { versions }: Change<'purge-file'>): Changes | Refused {
  const latest = latestOf(state);
  if (!latest) return refused('unknown', 'There is no such file');
  const known = versionsOf(state);
  const isLive = !latest.deleted;
  const purgeable = known.filter(({ version }) => !isLive || version !== latest.version);
  const removed = purgedVersions(purgeable, isLive ? keepingOneLess(versions) : versions);
  if (removed.length === 0) return { kind: 'changes', facts: [], shown: wrap(latest), recordId: LATEST };
  return {
    kind: 'changes',
    facts: [...removals(removed), { id: LATEST, resource: removed.length === known.length ? null : wrap(latest) }],
    shown: wrap(latest),
    recordId: LATEST,
    removedVersions: removed,
  };
}
