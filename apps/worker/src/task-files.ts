import { Readable } from 'node:stream';
import { Scope } from '@millrace/authorization';
import type { Job } from '@millrace/model';
import { TaskFailure, type NamespaceFileReader, type TaskFiles } from '@millrace/plugin-api';
import {
  executionFileUri,
  executionFolderUri,
  isInside,
  namespaceFilesUri,
  uriSegments,
  type Storage,
} from '@millrace/storage';
import type { AttemptDirectories } from './directories.js';
import { openLocalFile } from './local-files.js';

const READABLE_FOLDERS: ReadonlySet<string> = new Set(['executions', '_files']);

/**
 * Files of executions and of namespaces may be read, of the job's tenant and no other (spec expressions.md §5): what a
 * subflow or another namespace gives as output is a URI. What tasks keep for themselves (states, caches) is no such file.
 *
 * @throws TaskFailure for any other place; StorageError for what is no URI
 */
export function checkMayRead(uri: string): void {
  if (
    !uriSegments(uri)
      .slice(1, -1)
      .some((segment) => READABLE_FOLDERS.has(segment))
  ) {
    throw new TaskFailure(`The file ${uri} belongs neither to an execution nor to the files of a namespace`);
  }
}

/** @throws TaskFailure when the file is another execution's or namespace's: those are not to be removed from here */
function checkMayRemove(job: Job, uri: string): void {
  if (!isInside(executionFolderUri(job), uri) && !isInside(namespaceFilesUri(job.namespace), uri)) {
    throw new TaskFailure(
      `The file ${uri} belongs neither to this execution nor to the files of namespace ${job.namespace}`,
    );
  }
}

export interface AttemptFilesOptions {
  readonly job: Job;
  readonly storage: Storage;
  readonly directories: AttemptDirectories;
  readonly namespaceFiles: NamespaceFileReader;
  /** Folders of this machine below which `file:///` URIs may be read. */
  readonly localFilePaths: readonly string[];
}

/** The files of one attempt. */
export function createAttemptFiles(options: AttemptFilesOptions): TaskFiles {
  const { job, storage, directories, namespaceFiles, localFilePaths } = options;
  const scope = Scope.system(job.tenant);
  return {
    workingDirectory: () => directories.working(),
    temporaryDirectory: () => directories.temporary(),
    async read(uri) {
      if (uri.startsWith('file://')) return openLocalFile(uri, localFilePaths);
      const inNamespace = /^nsfile:\/\/([^/]*)\/(.+)$/.exec(uri);
      if (inNamespace) {
        const [, namespace = '', path = ''] = inNamespace;
        return namespaceFiles.read(namespace === '' ? job.namespace : namespace, path);
      }
      checkMayRead(uri);
      return storage.read(scope, uri);
    },
    async size(uri) {
      checkMayRead(uri);
      const file = await storage.stat(scope, uri);
      if (file?.kind !== 'file') throw new TaskFailure(`There is no file ${uri} in internal storage`);
      return file.size;
    },
    async remove(uri) {
      checkMayRemove(job, uri);
      if ((await storage.stat(scope, uri))?.kind !== 'file') return false;
      return (await storage.remove(scope, uri)) > 0;
    },
    async store(name, content) {
      const uri = executionFileUri({ ...job, taskId: job.task.id, name });
      const stream = typeof content === 'string' || content instanceof Uint8Array || content instanceof Readable;
      await storage.put(scope, uri, stream ? content : new Readable().wrap(content));
      return uri;
    },
  };
}
