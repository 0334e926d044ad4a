import type { Clock, Job, Topics } from '@millrace/model';
import type { TaskServices } from '@millrace/plugin-api';
import type { Queue } from '@millrace/queue';
import type { Repository } from '@millrace/repository';
import type { Storage } from '@millrace/storage';
import { createTaskExecutions } from './executions.js';
import { createTaskKeyValues } from './key-values.js';
import { createTaskLogs } from './logs.js';
import { createTaskNamespaceFiles } from './namespace-files.js';
import type { WorkerResources } from './resources.js';
import { createTaskStorage } from './storage.js';
import { createTaskTriggers } from './triggers.js';

export interface TaskServicesOptions {
  readonly resources: WorkerResources;
  /** Opened when a task first searches. */
  readonly repository: () => Promise<Repository>;
  readonly queue: Pick<Queue, 'publish'>;
  readonly topics: Topics;
  readonly storage: Storage;
  readonly clock: Clock;
}

/** What the task of a job may do besides its own work; all of it within the tenant. */
export function createTaskServices(options: TaskServicesOptions, job: Job, signal: AbortSignal): TaskServices {
  const { resources, clock, storage } = options;
  return {
    keyValues: createTaskKeyValues(job, resources.keyValues, clock),
    namespaceFiles: createTaskNamespaceFiles(job.tenant, resources.namespaceFiles),
    executions: createTaskExecutions({ ...options, commands: resources.commands, job, signal }),
    logs: createTaskLogs({ ...options, job }),
    storage: createTaskStorage(job, storage),
    triggers: createTaskTriggers(job.tenant, resources.commands),
  };
}
