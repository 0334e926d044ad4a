export type { ConditionContext } from './conditions/condition.js';
export { allHold, ConditionError, holds } from './conditions/evaluate.js';
export type { HolidayCalendar } from './conditions/holiday-calendar.js';
export { parseCron, type Cron, type CronResult } from './dates/cron.js';
export type { FoundDate } from './dates/filtered.js';
export { instantOf, isoInZone, zoneOf } from './dates/zone.js';
export { evaluateCall, evaluateSchedule, type Additions, type Evaluation } from './evaluate-trigger.js';
export {
  definitionVariables,
  type FlowTriggers,
  type Schedule,
  type TriggerPlan,
  type TriggerSurroundings,
} from './flow-triggers.js';
export { needsHolidays, planTriggers } from './trigger-plan.js';
