import {
  derivedId,
  executionTriggerOf,
  placedId,
  type ExecutionWanted,
  type Label,
  type PlainObject,
  type TriggerState,
} from '@millrace/model';
import { evaluateSchedule, type FlowTriggers, type Schedule, type TriggerPlan } from '@millrace/schedule';
import { withMissedDates, withNextDate, withoutLateDates } from './dates.js';
import { without, type TriggerContext, type TriggerOutcome } from './outcome.js';
import { dueAt, type FlowTriggersState } from './state.js';

/** Triggers of one flow that one step looks at; the rest follows in the next, so that no transaction holds them all. */
const TRIGGERS_PER_STEP = 20;
/** Missed dates and backfills of one trigger start at most so many executions a second (protocols.md part 6.2). */
export const CATCH_UP_PER_SECOND = 10;
const CATCH_UP_MS = 1_000 / CATCH_UP_PER_SECOND;
/** A date that is later than this when it is looked at for the first time after a restart was missed … */
const MISSED_AFTER_RESTART_MS = 1_000;
/** … and at any other time, because the process stood still, when it is later than this. */
const MISSED_MS = 60_000;

/** A timer of the flow is due: evaluates the triggers that are due. */
export function wake(
  state: FlowTriggersState,
  { now, plan, placement = 0 }: TriggerContext,
  outcome: TriggerOutcome,
): void {
  if (plan === undefined) return;
  let count = 0;
  for (const trigger of state.triggers()) {
    const due = dueAt(trigger);
    if (due === undefined || due > now) continue;
    if (++count > TRIGGERS_PER_STEP) return;
    const of = plan.triggers.get(trigger.triggerId);
    if (of?.schedule === undefined) {
      outcome.set({ ...trigger, active: false }, now);
      continue;
    }
    const evaluation: DueTrigger = { plan: of, schedule: of.schedule, flow: plan, now, placement, outcome };
    if (trigger.backfill && !trigger.backfill.paused) runBackfill(trigger, trigger.backfill, evaluation);
    else runSchedule(trigger, state.isUntouched(trigger.triggerId), evaluation);
  }
}

interface DueTrigger {
  readonly plan: TriggerPlan;
  readonly schedule: Schedule;
  readonly flow: FlowTriggers;
  readonly now: number;
  readonly placement: number;
  readonly outcome: TriggerOutcome;
}

function runSchedule(trigger: TriggerState, isUntouched: boolean, due: DueTrigger): void {
  const { plan, schedule, flow, now, outcome } = due;
  const lateness = now - (trigger.nextExecutionDate ?? now);
  const isMissed = lateness > (isUntouched ? MISSED_AFTER_RESTART_MS : MISSED_MS);
  const recovered = isMissed ? withMissedDates(trigger, schedule, now) : trigger;
  const current = withoutLateDates(recovered, schedule, now);
  const date = current.nextExecutionDate;
  if (date === undefined || date > now) return outcome.set(current, now);
  const following = withNextDate(current, schedule.next(date)?.date);
  const evaluation = evaluateSchedule(plan, schedule, flow, date);
  if (evaluation.kind === 'not-met') return outcome.set(paced(following, now), now);
  const { namespace, flowId, triggerId } = trigger;
  const executionId = placedId(derivedId('trigger', trigger.tenant, namespace, flowId, triggerId, date), due.placement);
  outcome.effects.push({ kind: 'start-execution', event: wanted(trigger, executionId, date, evaluation, due) });
  outcome.set(started(following, executionId, date, due), now);
}

function runBackfill(trigger: TriggerState, backfill: NonNullable<TriggerState['backfill']>, due: DueTrigger): void {
  const { plan, schedule, flow, now, outcome } = due;
  const date = backfill.currentDate;
  if (date > backfill.end) return outcome.set(withoutBackfill(trigger), now);
  const next = schedule.next(date)?.date;
  const isOver = next === undefined || next > backfill.end;
  const following = isOver ? withoutBackfill(trigger) : { ...trigger, backfill: { ...backfill, currentDate: next } };
  const evaluation = evaluateSchedule(plan, schedule, flow, date, backfill);
  if (evaluation.kind === 'not-met') return outcome.set(paced(following, now), now);
  const { namespace, flowId, triggerId } = trigger;
  const executionId = placedId(
    derivedId('backfill', trigger.tenant, namespace, flowId, triggerId, backfill.id, date),
    due.placement,
  );
  outcome.effects.push({ kind: 'start-execution', event: wanted(trigger, executionId, date, evaluation, due) });
  outcome.set(started(following, executionId, date, due), now);
}

/** The backfill is over: the trigger goes on where it was interrupted. */
export const withoutBackfill = (trigger: TriggerState): TriggerState => without(trigger, 'backfill');

/** After a start: locked by the execution unless executions may run side by side. */
const started = (trigger: TriggerState, executionId: string, date: number, { plan, now }: DueTrigger): TriggerState =>
  paced({ ...trigger, date, ...(plan.allowConcurrent ? {} : { executionId }) }, now);

/** What is to be made up for waits its turn. */
function paced(trigger: TriggerState, now: number): TriggerState {
  const due = dueAt(without({ ...trigger }, 'notBefore', 'executionId'));
  return due !== undefined && due <= now ? { ...trigger, notBefore: now + CATCH_UP_MS } : without(trigger, 'notBefore');
}

type Started = Exclude<ReturnType<typeof evaluateSchedule>, { kind: 'not-met' }>;

/** What a trigger's date asks of the executor. */
function wanted(
  { tenant, namespace, flowId }: TriggerState,
  executionId: string,
  date: number,
  evaluation: Started,
  { plan, schedule, flow, now }: DueTrigger,
): ExecutionWanted {
  const failed = evaluation.kind === 'failed';
  const given: PlainObject = failed ? {} : evaluation.given;
  const own: readonly Label[] = failed ? [] : evaluation.labels;
  return {
    kind: 'execution-wanted',
    tenant,
    executionId,
    namespace,
    flowId,
    flowRevision: flow.flow.revision,
    given,
    labels: [...own, { key: 'system.from', value: 'trigger' }, { key: 'system.correlationId', value: executionId }],
    trigger: executionTriggerOf(plan, evaluation.variables, true),
    ...(schedule.isListed ? { scheduleDate: date } : {}),
    depth: 0,
    ...(failed ? { failure: evaluation.message } : {}),
    at: now,
  };
}
