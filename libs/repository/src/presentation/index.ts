export * from './duration.js';
export * from './execution.js';
export * from './observability.js';
export * from './state.js';
