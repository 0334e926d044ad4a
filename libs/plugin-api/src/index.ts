export type { InlineContext, InlineResult, PublishedMetric } from '@millrace/model';
export { parseDuration } from './duration.js';
export { LOG_LIMITS, cutLine } from './log-limits.js';
export {
  checkProperties,
  isTextProperty,
  propertiesLeftAsWritten,
  propertiesToRender,
  type CheckedProperties,
} from './properties.js';
export { createTaskTypeRegistry, type TaskTypeRegistry } from './registry.js';
export * from './task-type.js';
