import type { TriggerExecutionEnded, TriggerState } from '@millrace/model';
import type { Schedule } from '@millrace/schedule';
import { withMissedDates } from './dates.js';
import { without, type TriggerContext, type TriggerOutcome } from './outcome.js';
import type { FlowTriggersState } from './state.js';

/** An execution of a trigger has ended: its lock is released, and `stopAfter` is heeded. A repeat changes nothing. */
export function executionEnded(
  state: FlowTriggersState,
  { triggerId, executionId, state: endedAs }: TriggerExecutionEnded,
  { now, plan }: TriggerContext,
  outcome: TriggerOutcome,
): void {
  const trigger = state.trigger(triggerId);
  if (trigger === undefined) return;
  const stops = trigger.stopAfter?.includes(endedAs) === true && !trigger.disabled;
  const isLock = trigger.executionId === executionId;
  if (!stops && !isLock) return;
  const free = isLock ? unlocked(trigger, plan?.triggers.get(triggerId)?.schedule, now) : trigger;
  outcome.set(stops ? { ...free, disabled: true } : free, now);
}

/** Nothing holds the trigger up any more; what was due meanwhile was missed. */
export function unlocked(trigger: TriggerState, schedule: Schedule | undefined, now: number): TriggerState {
  const free: TriggerState = without(trigger, 'executionId', 'evaluateRunningDate', 'workerId');
  return schedule ? withMissedDates(free, schedule, now) : free;
}
