export { createSqlQueue, type SqlQueue, type SqlQueueOptions } from './queue.js';
export { tableName } from './table-name.js';
export { createSqlCopy, type CopiedRecord, type SqlCopy, type SqlCopyOptions } from './copy.js';
export { COPY_REMOVED, COPY_STARTS } from './copied-places.js';
