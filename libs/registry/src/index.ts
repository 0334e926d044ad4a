export { livenessProcessor, type LivenessContext, type LivenessEffect, type LivenessFact } from './liveness.js';
export type { ResourceFact, ResourceState } from './changes.js';
export { resourceProcessor, type ResourceEffect } from './resources.js';
export type { Decided, Records, Wake } from './records.js';
