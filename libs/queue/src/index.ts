export * from './contract.js';
export { partitionIn, partitionOf } from './shell/partition-of.js';
export { DEAD_LETTERS } from './shell/dead-letter.js';
export { RECORD_LENGTH_MAX } from './shell/encode.js';
