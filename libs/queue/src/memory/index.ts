export { createMemoryQueue, type MemoryQueue, type MemoryQueueOptions } from './queue.js';
export { createMemoryStore, type MemoryStore } from './data.js';
export type { Faults, Write } from '../store/faults.js';
