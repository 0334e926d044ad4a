export {
  DEFAULT_LIMITS,
  type ExecutionContext,
  type ExecutionLimits,
  type InlineTask,
  type WorkerGroupStatus,
} from './context.js';
export { allConditionsHold, conditionHolds, type ConditionSubject } from './conditions.js';
export { decide, failed } from './decide/decide.js';
export { evaluateExpression, type SeenExecution } from './evaluate-expression.js';
export { evolve } from './evolve.js';
export type { Fact } from './facts.js';
export { copyForReplay, inheritedLabels, snapshotParts, type CopyWish, type ExecutionCopy } from './operations/copy.js';
export { withLabel } from './operations/restart.js';
export { Outcome, type Effect, type Input, type Step } from './outcome.js';
export {
  planFlow,
  type FlowPlan,
  type ListenerPlan,
  type PlanSources,
  type TaskPlan,
  type TemplateSource,
} from './plan.js';
export { executionProcessor } from './processor.js';
export { nextRetry } from './retry.js';
export * from './slots/index.js';
export { slotEventOf, type SlotOccasion } from './slot-events.js';
export { ExecutionState, type ExecutionView, type Records } from './state.js';
export { LOOP_VALUES_MAX } from './tasks/for-each.js';
