export type { InlineContext, InlineResult, PublishedMetric } from '@millrace/model';
export { parseDuration } from './duration.js';
export { filesBelow } from './files/files-below.js';
export { createGlob, isLiteral } from './files/glob.js';
export { checkedName, filesByName, writeInputFiles, type WrittenFiles } from './files/input-files.js';
export { listOf, writeNamespaceFiles } from './files/namespace-files.js';
export { matchingFiles, storeOutputFiles, type OutputFolders } from './files/output-files.js';
export { LOG_LIMITS, cutLine } from './log-limits.js';
export {
  checkProperties,
  isTextProperty,
  propertiesLeftAsWritten,
  propertiesToRender,
  type CheckedProperties,
} from './properties.js';
export { createTaskTypeRegistry, type TaskTypeRegistry } from './registry.js';
export type * from './services/index.js';
export * from './task-type.js';
