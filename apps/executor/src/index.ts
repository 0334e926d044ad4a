export {
  executionDefinition,
  livenessDefinition,
  resourceDefinition,
  slotDefinition,
  type ExecutionDefinitionOptions,
} from './definitions.js';
export { createExecutor, type ExecutorOptions } from './executor.js';
