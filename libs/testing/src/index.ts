export {};
export { LEAF, LEAF_NAMESPACE, randomFlow, randomFlowWithExits, type RandomFlow } from './random-flow.js';
export {
  createManualClock,
  queueContract,
  type MakeHarness,
  type ManualClock,
  type QueueDifferences,
  type QueueHarness,
  type Server,
} from './queue-contract/index.js';
export { createVirtualClock, type VirtualClock, type VirtualClockOptions } from './virtual-clock.js';
export type { Disturbances } from './simulation/cluster.js';
export {
  BROKEN_RULES,
  type BrokenRule,
  type ExecutionProcessorOptions,
  type ShippedProcessors,
} from './simulation/executor-node.js';
export { runSimulation, type SimulationOptions, type SimulationReport } from './simulation/simulation.js';
