import type { TaskExecutions } from './executions.js';
import type { TaskKeyValues } from './key-values.js';
import type { TaskLogs } from './logs.js';
import type { TaskNamespaceFiles } from './namespace-files.js';
import type { TaskStorage } from './storage.js';
import type { TaskTriggers } from './triggers.js';

/** What tasks may do besides their own work: read and change things of their tenant. */
export interface TaskServices {
  readonly keyValues: TaskKeyValues;
  readonly namespaceFiles: TaskNamespaceFiles;
  readonly executions: TaskExecutions;
  readonly logs: TaskLogs;
  readonly storage: TaskStorage;
  readonly triggers: TaskTriggers;
}

export type * from './executions.js';
export type * from './key-values.js';
export type * from './logs.js';
export type * from './namespace-files.js';
export type * from './storage.js';
export type * from './triggers.js';
