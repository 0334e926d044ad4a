export { atATime } from './at-a-time.js';
export { coalesceRefreshes } from './coalesce-refreshes.js';
export {
  createCommands,
  NotConfirmedError,
  type CommandOutcome,
  type Commands,
  type CommandsOptions,
  type Operation,
  type TriggerOperation,
} from './commands.js';
export { removeExecutionData, type ExecutionDataOptions, type RemovedData } from './execution-data.js';
export { checkedFilePath, checkedPath } from './file-paths.js';
export { checkKey, createKeyValues, type KeyValues, type NewKeyValue } from './key-values.js';
export { followMaintenance, isInMaintenance, maintenanceOf } from './maintenance.js';
export { createNamespaceFiles, type NamespaceFiles } from './namespace-files.js';
export {
  followInheritedWorkerGroups,
  namespaceSettings,
  tenantSettings,
  type InheritedWorkerGroups,
} from './settings.js';
export { ResourceRefusedError } from './refused.js';
export type { ResourceAccess } from './resource-access.js';
export { createTemplates, templateOf, type Templates } from './templates.js';
export { isLiveWorkerOf, liveWorkerGroups, workerGroups } from './worker-groups.js';
