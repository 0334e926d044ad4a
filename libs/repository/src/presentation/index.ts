export * from './duration.js';
export * from './execution.js';
export * from './observability.js';
export * from './state.js';
export { presentTrigger, type BackfillView, type TriggerView } from './trigger.js';
