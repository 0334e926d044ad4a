export {
  DEFAULT_LIMITS,
  type ExecutionContext,
  type ExecutionLimits,
  type InlineTask,
  type InlineTaskContext,
  type InlineTaskResult,
} from './context.js';
export { decide, failed } from './decide/decide.js';
export { evolve } from './evolve.js';
export type { Fact } from './facts.js';
export { Outcome, type Effect, type Input, type Step } from './outcome.js';
export { planFlow, type FlowPlan, type TaskPlan } from './plan.js';
export { executionProcessor } from './processor.js';
export { nextRetry } from './retry.js';
export { ExecutionState, type ExecutionView, type Records } from './state.js';
export { LOOP_VALUES_MAX } from './tasks/for-each.js';
