import { Scope } from '@millrace/authorization';
import type { Job } from '@millrace/model';
import { TaskFailure, type TaskStorage } from '@millrace/plugin-api';
import { executionFolderUri, isInside, statesFolderUri, StorageError, type Storage } from '@millrace/storage';

/** Bytes of a file that is read as a whole. */
const READ_BYTES_MAX = 16 * 1024 * 1024;

/** The folders of internal storage in which a task run may do as it likes. */
export function createTaskStorage(job: Job, storage: Storage): TaskStorage {
  const scope = Scope.system(job.tenant);
  const executionFolder = executionFolderUri(job);
  const flowStates = statesFolderUri(job.namespace, job.flowId);
  const namespaceStates = statesFolderUri(job.namespace);
  const own = [executionFolder, flowStates, namespaceStates];
  const check = (uri: string): void => {
    if (own.some((folder) => uri === folder || isInside(folder, uri))) return;
    throw new TaskFailure(`${uri} belongs neither to this execution nor to the states of its flow and namespace`);
  };
  return {
    executionFolder,
    flowStates,
    namespaceStates,
    async list(uri) {
      check(uri);
      return storage.list(scope, uri);
    },
    async read(uri) {
      check(uri);
      const file = await storage.stat(scope, uri);
      if (file?.kind !== 'file') return undefined;
      if (file.size > READ_BYTES_MAX)
        throw new TaskFailure(`${uri} has ${file.size} bytes, more than the ${READ_BYTES_MAX} that are read at once`);
      const chunks: Buffer[] = [];
      try {
        for await (const chunk of await storage.read(scope, uri)) chunks.push(Buffer.from(chunk));
      } catch (error) {
        // Removed since it was looked at.
        if (error instanceof StorageError && error.code === 'NOT_FOUND') return undefined;
        throw error;
      }
      return Buffer.concat(chunks).toString('utf8');
    },
    async write(uri, content) {
      check(uri);
      await storage.put(scope, uri, content);
    },
    async remove(uri) {
      check(uri);
      return storage.remove(scope, uri);
    },
  };
}
