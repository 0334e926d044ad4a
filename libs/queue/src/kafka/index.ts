export * from './options.js';
export { createKafkaQueue, type KafkaQueue } from './queue.js';
