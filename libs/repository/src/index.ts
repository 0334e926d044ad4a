export * from './contract.js';
export * from './filters.js';
export * from './index-store.js';
export * from './part.js';
export * from './presentation/index.js';
export { aggregationsOf, addFigures, baseGroupMs, checkRange } from './metric-groups.js';
export { executionOf, repositoryOf } from './whole.js';
