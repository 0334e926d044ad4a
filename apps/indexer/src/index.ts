export { createIndexer, type IndexerOptions } from './indexer.js';
export type { IndexRetention } from './retention.js';
export { rebuildIndex, RebuildInterrupted, type RebuildOptions, type RebuildStep } from './rebuild.js';
