import type { Clock, Resource, Topics, WorkerGroup } from '@millrace/model';
import type { Queue } from '@millrace/queue';
import {
  coalesceRefreshes,
  createCommands,
  createKeyValues,
  createNamespaceFiles,
  followMaintenance,
  workerGroups,
  type Commands,
  type KeyValues,
  type NamespaceFiles,
} from '@millrace/resources';
import type { View } from '@millrace/queue';
import type { Storage } from '@millrace/storage';

/** How a worker reaches resources and executions. */
export interface WorkerResources {
  readonly keyValues: KeyValues;
  readonly namespaceFiles: NamespaceFiles;
  readonly commands: Commands;
  /** The worker groups that there are, the default one first. */
  workerGroups(): readonly WorkerGroup[];
  /** Calls `listener` at once, and whenever the installation enters or leaves maintenance mode. */
  followMaintenance(listener: (active: boolean) => void): void;
  close(): void;
}

export interface WorkerResourcesOptions {
  readonly queue: Queue;
  readonly topics: Topics;
  readonly storage: Storage;
  readonly instance: string;
  readonly clock: Clock;
  /** A reader of the queue was lost: answers of owners would go unheard. */
  readonly onLost: (error: unknown) => void;
}

/** Opens the worker's copy of the resources and its way to their owners. */
export async function openWorkerResources(options: WorkerResourcesOptions): Promise<WorkerResources> {
  const { queue, topics, storage, instance, clock, onLost } = options;
  const view: View<Resource> = await queue.view(topics.resources);
  try {
    const commands = await createCommands({ queue, topics, instance, clock, onError: onLost });
    // A copy that may be old is no answer here: a task that gets the value from before would do the wrong thing.
    const access = { view, refresh: coalesceRefreshes(() => view.refresh()), change: commands.change };
    const keyValues = createKeyValues(access, clock);
    const namespaceFiles = createNamespaceFiles(access, storage);
    return {
      keyValues,
      namespaceFiles,
      commands,
      workerGroups: () => workerGroups(view),
      followMaintenance: (listener) => void followMaintenance(view, listener),
      close() {
        keyValues.close();
        namespaceFiles.close();
        commands.close();
        view.close();
      },
    };
  } catch (error) {
    view.close();
    throw error;
  }
}
