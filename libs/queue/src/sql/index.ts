export { createSqlQueue, type SqlQueue, type SqlQueueOptions } from './queue.js';
export { tableName } from './table-name.js';
