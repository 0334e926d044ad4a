export * from './options.js';
export { createKafkaQueue, type Disturbances, type KafkaQueue } from './queue.js';
