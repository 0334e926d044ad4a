export * from './contract.js';
export { partitionOf } from './shell/partition-of.js';
export { DEAD_LETTERS } from './shell/dead-letter.js';
