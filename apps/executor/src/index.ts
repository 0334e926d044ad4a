export {
  executionDefinition,
  livenessDefinition,
  resourceDefinition,
  slotDefinition,
  type ExecutionDefinitionOptions,
} from './definitions.js';
export { nextClusterChange } from '@millrace/registry';
export { createExecutor, type ExecutorOptions } from './executor.js';
