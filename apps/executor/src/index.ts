export {
  executionDefinition,
  livenessDefinition,
  resourceDefinition,
  slotDefinition,
  type ExecutionDefinitionOptions,
} from './definitions.js';
export { nextClusterChange } from '@millrace/registry';
export { searchableBy, type ExecutionRetention } from './retention.js';
export { followWorkerGroups, type FollowedWorkerGroups, type WorkerGroupsOptions } from './worker-groups.js';
export { createExecutor, type ExecutorOptions } from './executor.js';
