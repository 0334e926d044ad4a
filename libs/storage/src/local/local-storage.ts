import { open, readdir, rm, rmdir, stat } from 'node:fs/promises';
import { dirname, join, resolve, sep } from 'node:path';
import { Readable } from 'node:stream';
import type { Scope } from '@millrace/authorization';
import { StorageError, type Storage, type StoredFile } from '../contract.js';
import { isVisible, uriOf, uriSegments } from '../uri.js';
import { isMissing, storageError } from './file-errors.js';
import { tenantFolder, type TenantFolder } from './tenant-folder.js';
import { createFileWriter } from './write-file.js';

export interface LocalStorageOptions {
  /** The folder that holds a folder for each tenant; made when it is needed. */
  readonly directory: string;
  /** Largest file in bytes. Default 10 GiB. */
  readonly fileBytesMax?: number;
}

const FILE_BYTES_MAX = 10 * 1024 ** 3;

const notFound = (uri: string): StorageError =>
  new StorageError('NOT_FOUND', `There is no file ${uri} in internal storage`, false);

/** Internal storage in a folder of this machine, `<directory>/<tenant>/…`; several processes may share the folder. */
export function createLocalStorage({ directory, fileBytesMax = FILE_BYTES_MAX }: LocalStorageOptions): Storage {
  const root = resolve(directory);
  const writer = createFileWriter(root, fileBytesMax);

  async function statFile(scope: Scope, uri: string): Promise<StoredFile | undefined> {
    const place = await locate(root, scope, uri);
    return place && describe(place.path, uri);
  }

  return {
    stat: statFile,

    async put(scope, uri, content) {
      const place = await locate(root, scope, uri);
      if (!place || uriSegments(uri).length === 0) {
        throw new StorageError(
          'INVALID_URI',
          `A file cannot be written to ${uri}: it is outside your namespaces or is a folder`,
          false,
        );
      }
      return { uri, kind: 'file', ...(await writer.write(place.path, uri, content)) };
    },

    async read(scope, uri, range) {
      const place = await locate(root, scope, uri);
      if (!place) throw notFound(uri);
      return openFile(place.path, uri, range);
    },

    async list(scope, uri) {
      const place = await locate(root, scope, uri);
      if (!place) return [];
      const segments = uriSegments(uri);
      try {
        const names = (await readdir(place.path)).sort();
        const found = await Promise.all(names.map((name) => statFile(scope, uriOf([...segments, name]))));
        return found.filter((file) => file !== undefined);
      } catch (error) {
        if (isMissing(error)) return [];
        throw error instanceof StorageError ? error : storageError(error, uri);
      }
    },

    async remove(scope, uri) {
      const place = await locate(root, scope, uri);
      if (!place) return 0;
      const files = await countFiles(place.path, uri);
      try {
        await rm(place.path, { recursive: true, force: true });
      } catch (error) {
        if (!isMissing(error)) throw storageError(error, uri);
      }
      await removeEmptyFolders(dirname(place.path), place.folder.path);
      return files;
    },

    // Every call opens and closes what it needs.
    close: () => Promise.resolve(),
  };
}

interface Place {
  readonly folder: TenantFolder;
  readonly path: string;
}

/** The file's path, or undefined when the scope must not know of it or a link leads out of the tenant's folder. */
async function locate(root: string, scope: Scope, uri: string): Promise<Place | undefined> {
  const segments = uriSegments(uri);
  const folder = tenantFolder(root, scope.tenant);
  if (!isVisible(scope, segments)) return undefined;
  const path = join(folder.path, ...segments);
  try {
    return (await folder.contains(path)) ? { folder, path } : undefined;
  } catch (error) {
    throw storageError(error, uri);
  }
}

async function describe(path: string, uri: string): Promise<StoredFile | undefined> {
  try {
    const status = await stat(path);
    if (!status.isFile() && !status.isDirectory()) return undefined;
    const kind = status.isFile() ? 'file' : 'directory';
    return { uri, kind, size: kind === 'file' ? status.size : 0, modifiedAt: Math.floor(status.mtimeMs) };
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw storageError(error, uri);
  }
}

type Range = NonNullable<Parameters<Storage['read']>[2]>;

async function openFile(path: string, uri: string, range: Range | undefined): Promise<Readable> {
  try {
    const file = await open(path, 'r');
    const status = await file.stat();
    if (status.isFile() && (range === undefined || range.start < status.size))
      return file.createReadStream({ ...range });
    await file.close();
    if (status.isFile()) return Readable.from([]);
  } catch (error) {
    if (!isMissing(error)) throw storageError(error, uri);
  }
  throw notFound(uri);
}

async function countFiles(path: string, uri: string): Promise<number> {
  try {
    if (!(await stat(path)).isDirectory()) return 1;
    const entries = await readdir(path, { recursive: true, withFileTypes: true });
    return entries.filter((entry) => !entry.isDirectory()).length;
  } catch (error) {
    if (isMissing(error)) return 0;
    throw storageError(error, uri);
  }
}

/** Object stores have no empty folders, so none are left here either. */
async function removeEmptyFolders(from: string, top: string): Promise<void> {
  for (let folder = from; folder !== top && folder.startsWith(top + sep); folder = dirname(folder)) {
    try {
      await rmdir(folder);
    } catch {
      // Not empty, in use again or gone: then it is not ours to remove, nor are those above.
      return;
    }
  }
}
