import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { Scope } from '@millrace/authorization';
import type { Job } from '@millrace/model';
import { TaskFailure, type TaskFiles } from '@millrace/plugin-api';
import { executionFileUri, executionFolderUri, isInside, namespaceFilesUri, type Storage } from '@millrace/storage';

/** True for the files that a task run may read: those of its execution and of its namespace (spec expressions.md §5). */
export function mayRead(job: Job, uri: string): boolean {
  return isInside(executionFolderUri(job), uri) || isInside(namespaceFilesUri(job.namespace), uri);
}

/** @throws TaskFailure when the file is another execution's or namespace's */
export function checkMayRead(job: Job, uri: string): void {
  if (!mayRead(job, uri)) {
    throw new TaskFailure(
      `The file ${uri} belongs neither to this execution nor to the files of namespace ${job.namespace}`,
    );
  }
}

/** The files of one attempt. */
export interface AttemptFiles extends TaskFiles {
  removeWorkingDirectory(): Promise<void>;
}

/** @param temporaryDirectory where working directories are made */
export function createAttemptFiles(job: Job, storage: Storage, temporaryDirectory: string): AttemptFiles {
  const scope = Scope.system(job.tenant);
  let directory: Promise<string> | undefined;

  async function makeDirectory(): Promise<string> {
    await mkdir(temporaryDirectory, { recursive: true });
    // The user's own code runs there: no other account may look inside.
    return mkdtemp(join(temporaryDirectory, 'task-'));
  }

  return {
    workingDirectory: () => (directory ??= makeDirectory()),
    async read(uri) {
      checkMayRead(job, uri);
      return storage.read(scope, uri);
    },
    async size(uri) {
      checkMayRead(job, uri);
      const file = await storage.stat(scope, uri);
      if (file?.kind !== 'file') throw new TaskFailure(`There is no file ${uri} in internal storage`);
      return file.size;
    },
    async remove(uri) {
      checkMayRead(job, uri);
      if ((await storage.stat(scope, uri))?.kind !== 'file') return false;
      return (await storage.remove(scope, uri)) > 0;
    },
    async store(name, content) {
      const uri = executionFileUri({ ...job, taskId: job.task.id, name });
      const stream = typeof content === 'string' || content instanceof Uint8Array || content instanceof Readable;
      await storage.put(scope, uri, stream ? content : new Readable().wrap(content));
      return uri;
    },
    async removeWorkingDirectory() {
      if (directory) await rm(await directory, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}
