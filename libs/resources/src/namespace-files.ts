import type { Readable } from 'node:stream';
import type { Scope } from '@millrace/authorization';
import { namespaceFileKey, type NamespaceFile, type VersionPurge } from '@millrace/model';
import { namespaceFileUri, type Storage } from '@millrace/storage';
import { atATime } from './at-a-time.js';
import { FileCatalog, impliedFolder } from './file-catalog.js';
import { checkedFilePath, checkedPath, foldersAbove } from './file-paths.js';
import { checkCovered } from './key-values.js';
import { doneIfThere, doneOf, ResourceRefusedError } from './refused.js';
import type { ResourceAccess } from './resource-access.js';
import { compareText } from './resource-index.js';

/** Commands on their way at a time, for an operation on many files. */
const AT_A_TIME = 16;

/**
 * Files of namespaces: what is known of them are resources, their contents are in internal storage. What a scope does not
 * cover is not there. Paths may begin with one slash; all methods throw ResourceRefusedError (invalid) for one that is
 * not allowed, and StorageError.
 */
export interface NamespaceFiles {
  /** A file (of a version, else the newest one that was not deleted) or a folder; undefined when there is none. */
  find(scope: Scope, namespace: string, path: string, version?: number): Promise<NamespaceFile | undefined>;
  /** Where the content of a version is. */
  uriOf(file: Pick<NamespaceFile, 'namespace' | 'path' | 'version'>): string;
  /** The content of a file. @throws ResourceRefusedError unknown */
  read(scope: Scope, file: NamespaceFile): Promise<Readable>;
  /** Files and folders directly in a folder; by path. @throws ResourceRefusedError unknown */
  list(scope: Scope, namespace: string, folder: string): Promise<readonly NamespaceFile[]>;
  /** Every file, without folders; by path. */
  files(scope: Scope, namespace: string): Promise<readonly NamespaceFile[]>;
  /** As `files`, with those that were deleted. */
  filesWithDeleted(scope: Scope, namespace: string): Promise<readonly NamespaceFile[]>;
  /** Namespaces that have or had files. */
  namespaces(scope: Scope): Promise<readonly string[]>;
  /** Every version that is kept, oldest first. */
  versions(scope: Scope, namespace: string, path: string): Promise<readonly NamespaceFile[]>;
  /**
   * Writes a new version. @param overwrite default true
   * @throws ResourceRefusedError exists; conflict when a folder is there, or a file where a folder would have to be
   */
  save(
    scope: Scope,
    file: {
      readonly namespace: string;
      readonly path: string;
      readonly content: Readable | Uint8Array | string;
      readonly overwrite?: boolean;
    },
  ): Promise<NamespaceFile>;
  /** A repeat changes nothing. @throws ResourceRefusedError conflict */
  makeFolder(scope: Scope, namespace: string, path: string): Promise<NamespaceFile>;
  /** Copies to the new place, then deletes the old one; old versions stay at the old path. @throws ResourceRefusedError unknown, exists */
  move(scope: Scope, namespace: string, from: string, to: string): Promise<void>;
  /** Deletes a file, or a folder with all that is in it; the versions stay until they are purged. Answers the files. */
  remove(scope: Scope, namespace: string, path: string): Promise<readonly NamespaceFile[]>;
  /** Removes versions and their contents for good; the newest one stays unless the file was deleted. Answers how many. */
  purge(scope: Scope, namespace: string, path: string, versions: VersionPurge): Promise<number>;
  close(): void;
}

/** Files of namespaces over a server's copy of the resources. */
export function createNamespaceFiles(access: ResourceAccess, storage: Storage): NamespaceFiles {
  return new StoredNamespaceFiles(access, storage);
}

class StoredNamespaceFiles implements NamespaceFiles {
  readonly #access: ResourceAccess;
  readonly #storage: Storage;
  readonly #catalog: FileCatalog;

  constructor(access: ResourceAccess, storage: Storage) {
    this.#access = access;
    this.#storage = storage;
    this.#catalog = new FileCatalog(access.view);
  }

  uriOf = ({ namespace, path, version }: Pick<NamespaceFile, 'namespace' | 'path' | 'version'>): string =>
    namespaceFileUri({ namespace, path, version });

  async find(scope: Scope, namespace: string, written: string, version?: number): Promise<NamespaceFile | undefined> {
    const path = checkedPath(written);
    await this.#access.refresh();
    if (!scope.covers(namespace)) return undefined;
    if (version !== undefined) return this.#catalog.version(scope, namespace, path, version);
    return this.#file(scope, namespace, path) ?? this.#catalog.folder(scope, namespace, path);
  }

  read(scope: Scope, file: NamespaceFile): Promise<Readable> {
    if (file.type === 'directory') throw new ResourceRefusedError('conflict', `'${file.path}' is a folder`);
    return this.#storage.read(scope, this.uriOf(file));
  }

  async list(scope: Scope, namespace: string, written: string): Promise<readonly NamespaceFile[]> {
    const folder = checkedPath(written);
    const all = await this.#below(scope, namespace, folder);
    if (all.length === 0 && folder !== '' && !this.#catalog.folder(scope, namespace, folder))
      throw new ResourceRefusedError('unknown', `There is no folder '${folder}' in namespace '${namespace}'`);
    const start = folder === '' ? 0 : folder.length + 1;
    const byPath = new Map<string, NamespaceFile[]>();
    for (const file of all) {
      const end = file.path.indexOf('/', start);
      const path = end < 0 ? file.path : file.path.slice(0, end);
      byPath.set(path, [...(byPath.get(path) ?? []), file]);
    }
    return [...byPath]
      .map(([path, inside]) => inside.find((file) => file.path === path) ?? impliedFolder(path, inside))
      .sort((one, other) => compareText(one.path, other.path));
  }

  async files(scope: Scope, namespace: string): Promise<readonly NamespaceFile[]> {
    return (await this.#below(scope, namespace, '')).filter(({ type }) => type === 'file');
  }

  async filesWithDeleted(scope: Scope, namespace: string): Promise<readonly NamespaceFile[]> {
    await this.#access.refresh();
    if (!scope.covers(namespace)) return [];
    return this.#catalog.below(scope, namespace, '').filter(({ type }) => type === 'file');
  }

  async namespaces(scope: Scope): Promise<readonly string[]> {
    await this.#access.refresh();
    return [...this.#catalog.namespaces(scope)].filter((namespace) => scope.covers(namespace)).sort(compareText);
  }

  async versions(scope: Scope, namespace: string, written: string): Promise<readonly NamespaceFile[]> {
    const path = checkedFilePath(written);
    await this.#access.refresh();
    return scope.covers(namespace) ? this.#catalog.versions(scope, namespace, path) : [];
  }

  async save(
    scope: Scope,
    { namespace, path: written, content, overwrite = true }: Parameters<NamespaceFiles['save']>[1],
  ): Promise<NamespaceFile> {
    const path = checkedFilePath(written);
    checkCovered(scope, namespace);
    await this.#access.refresh();
    if (!overwrite && this.#file(scope, namespace, path)) {
      throw new ResourceRefusedError('exists', `The file '${path}' exists already in namespace '${namespace}'`);
    }
    await this.#clearTheWay(scope, namespace, path);
    const address = { tenant: scope.tenant, namespace, path };
    const key = namespaceFileKey(scope.tenant, namespace, path);
    const { resource: numbers } = doneOf(await this.#access.change(key, { kind: 'reserve-file-version', ...address }));
    if (numbers.kind !== 'namespace-file-numbers') throw new Error(`The owner of '${path}' gave no number`);
    const version = numbers.reserved;
    const uri = this.uriOf({ namespace, path, version });
    const { size } = await this.#storage.put(scope, uri, content);
    const outcome = await this.#access.change(key, { kind: 'save-file-version', ...address, version, size, overwrite });
    if (outcome.kind === 'refused') await this.#storage.remove(scope, uri);
    const { resource, removedVersions } = doneOf(outcome);
    await this.#removeContents(scope, { namespace, path }, removedVersions);
    if (resource.kind !== 'namespace-file') throw new Error(`The owner of '${path}' answered with a ${resource.kind}`);
    return resource.file;
  }

  async makeFolder(scope: Scope, namespace: string, written: string): Promise<NamespaceFile> {
    const path = checkedFilePath(written);
    checkCovered(scope, namespace);
    await this.#access.refresh();
    this.#checkFoldersAbove(scope, namespace, path);
    const address = { tenant: scope.tenant, namespace, path };
    const key = namespaceFileKey(scope.tenant, namespace, path);
    const { resource } = doneOf(await this.#access.change(key, { kind: 'make-directory', ...address }));
    if (resource.kind !== 'namespace-file') throw new Error(`The owner of '${path}' answered with a ${resource.kind}`);
    return resource.file;
  }

  async move(scope: Scope, namespace: string, writtenFrom: string, writtenTo: string): Promise<void> {
    const from = checkedFilePath(writtenFrom);
    const to = checkedFilePath(writtenTo);
    if (to === from || to.startsWith(`${from}/`))
      throw new ResourceRefusedError('invalid', `'${from}' cannot be moved to '${to}', which is itself or inside it`);
    if (await this.find(scope, namespace, to))
      throw new ResourceRefusedError('exists', `'${to}' exists already in namespace '${namespace}'`);
    const moved = await this.find(scope, namespace, from);
    if (!moved) throw new ResourceRefusedError('unknown', `There is no '${from}' in namespace '${namespace}'`);
    const all = moved.type === 'file' ? [moved] : await this.#below(scope, namespace, from);
    if (moved.type === 'directory') await this.makeFolder(scope, namespace, to);
    for (const file of all) {
      const path = `${to}${file.path.slice(from.length)}`;
      if (file.type === 'directory') await this.makeFolder(scope, namespace, path);
      else await this.save(scope, { namespace, path, content: await this.read(scope, file), overwrite: false });
    }
    await this.remove(scope, namespace, from);
  }

  async remove(scope: Scope, namespace: string, written: string): Promise<readonly NamespaceFile[]> {
    const path = checkedFilePath(written);
    const inside = await this.#below(scope, namespace, path);
    const own = this.#catalog.latest(scope, namespace, path);
    const all = own && !own.deleted ? [...inside, own] : inside;
    const gone = await atATime(AT_A_TIME, all, async (file) => {
      const key = namespaceFileKey(scope.tenant, namespace, file.path);
      return doneIfThere(await this.#access.change(key, { kind: 'delete-file' })) ? [file] : [];
    });
    return gone.flat();
  }

  async purge(scope: Scope, namespace: string, written: string, versions: VersionPurge): Promise<number> {
    const path = checkedFilePath(written);
    checkCovered(scope, namespace);
    const key = namespaceFileKey(scope.tenant, namespace, path);
    const done = doneIfThere(await this.#access.change(key, { kind: 'purge-file', versions }));
    await this.#removeContents(scope, { namespace, path }, done?.removedVersions ?? []);
    return done?.removedVersions.length ?? 0;
  }

  close(): void {
    this.#catalog.close();
  }

  #file(scope: Scope, namespace: string, path: string): NamespaceFile | undefined {
    const latest = path === '' ? undefined : this.#catalog.latest(scope, namespace, path);
    return latest?.type === 'file' && !latest.deleted ? latest : undefined;
  }

  async #below(scope: Scope, namespace: string, folder: string): Promise<readonly NamespaceFile[]> {
    await this.#access.refresh();
    if (!scope.covers(namespace)) return [];
    return this.#catalog.below(scope, namespace, folder).filter(({ deleted }) => !deleted);
  }

  /**
   * Where a file shall be must be no folder, and above it no file. Contents of deleted ones are in the way in a storage of
   * files and folders: they are purged, for nobody sees them any more but by their version.
   */
  async #clearTheWay(scope: Scope, namespace: string, path: string): Promise<void> {
    const inside = this.#catalog.below(scope, namespace, path);
    if (inside.some(({ deleted }) => !deleted)) throw new ResourceRefusedError('conflict', `'${path}' is a folder`);
    this.#checkFoldersAbove(scope, namespace, path);
    const above = foldersAbove(path).flatMap((folder) => this.#catalog.latest(scope, namespace, folder) ?? []);
    for (const file of [...inside, ...above]) {
      if (file.type === 'file') await this.purge(scope, namespace, file.path, { keepAmount: 0 });
    }
  }

  #checkFoldersAbove(scope: Scope, namespace: string, path: string): void {
    const file = foldersAbove(path).find((folder) => this.#file(scope, namespace, folder));
    if (file !== undefined)
      throw new ResourceRefusedError('conflict', `'${path}' cannot be made, for '${file}' is a file and not a folder`);
  }

  async #removeContents(
    scope: Scope,
    file: { readonly namespace: string; readonly path: string },
    versions: readonly number[],
  ): Promise<void> {
    for (const version of versions) await this.#storage.remove(scope, this.uriOf({ ...file, version }));
  }
}
