import { Type } from '@sinclair/typebox';
import { taskSchema } from '@millrace/model';
import { defineTask, type TaskStorage } from '@millrace/plugin-api';

/** `core.storage.PurgeCurrentExecutionFiles`: removes the files of this execution. */
export const purgeCurrentExecutionFilesTask = defineTask({
  type: 'core.storage.PurgeCurrentExecutionFiles',
  kind: 'runnable',
  title: 'Removes the files of this execution.',
  schema: taskSchema({}, 'Removes all files of this execution from internal storage.'),
  outputs: Type.Object({ uris: Type.Array(Type.String(), { description: 'The files that were removed.' }) }),
  async run(_properties, { services: { storage }, signal }) {
    const uris = await filesBelow(storage, storage.executionFolder, signal);
    await storage.remove(storage.executionFolder);
    return { outputs: { uris } };
  },
});

/** URIs that are told; all files go, however many there are. */
const TOLD_MAX = 1_000;

async function filesBelow(storage: TaskStorage, root: string, signal: AbortSignal): Promise<readonly string[]> {
  const uris: string[] = [];
  const folders = [root];
  for (let folder = folders.shift(); folder !== undefined && uris.length < TOLD_MAX; folder = folders.shift()) {
    signal.throwIfAborted();
    for (const { uri, kind } of await storage.list(folder)) {
      if (kind === 'directory') folders.push(uri);
      else if (uris.length < TOLD_MAX) uris.push(uri);
    }
  }
  return uris;
}
