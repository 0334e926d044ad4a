export { livenessProcessor, type LivenessContext, type LivenessEffect, type LivenessFact } from './liveness.js';
export type { ResourceFact, ResourceState } from './changes.js';
export type { SlotLimitChanged } from './slot-limits.js';
export { resourceProcessor, type ResourceEffect } from './resources.js';
export type { Decided, Records, Wake } from './records.js';
export { CATCH_UP_PER_SECOND } from './triggers/evaluate.js';
export type { TriggerContext, TriggerEffect } from './triggers/outcome.js';
export { triggerProcessor } from './triggers/processor.js';
export type { FlowTriggersState, TriggerFact } from './triggers/state.js';
