export { createIndexer, type IndexerOptions } from './indexer.js';
