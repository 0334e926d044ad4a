export { connectElasticsearch, type ElasticsearchConnection, type ElasticsearchOptions } from './connection.js';
export { createElasticsearchPart } from './part.js';
export { createIndexStore, type IndexStoreOptions } from './store.js';
