export {
  executionDefinition,
  livenessDefinition,
  resourceDefinition,
  type ExecutionDefinitionOptions,
} from './definitions.js';
export { createExecutor, type ExecutorOptions } from './executor.js';
