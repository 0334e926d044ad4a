export {};
export { randomFlow, type RandomFlow } from './random-flow.js';
export {
  createManualClock,
  queueContract,
  type MakeHarness,
  type ManualClock,
  type QueueDifferences,
  type QueueHarness,
  type Server,
} from './queue-contract/index.js';
