import type { Reply, TriggerChange, TriggerCommand, TriggerState } from '@millrace/model';
import type { Schedule } from '@millrace/schedule';
import { startingAnew } from './dates.js';
import { withoutBackfill } from './evaluate.js';
import { unlocked } from './execution-ended.js';
import { without, type TriggerContext, type TriggerOutcome } from './outcome.js';
import type { FlowTriggersState } from './state.js';

/** Commands of a flow that are remembered, so that a repeat within any retry time changes nothing. */
const REMEMBERED = 50;

type Refused = Extract<Reply['outcome'], { kind: 'refused' }>;
/** The new state; null when it is deleted. */
type Changed = TriggerState | null | Refused;

const refused = (reason: Refused['reason'], message: string): Refused => ({ kind: 'refused', reason, message });

/** Somebody wants something of a trigger; the answer is written with the change. */
export function commanded(
  state: FlowTriggersState,
  command: TriggerCommand,
  context: TriggerContext,
  outcome: TriggerOutcome,
): void {
  const { commandId, replyTo, triggerId, change } = command;
  const reply = (answer: Reply['outcome']): void =>
    void outcome.effects.push({ kind: 'reply', replyTo, reply: { commandId, outcome: answer } });
  const trigger = state.trigger(triggerId);
  const { flow } = state;
  if (flow?.recentCommands.includes(commandId) === true) return reply({ kind: 'trigger', ...(trigger && { trigger }) });
  if (trigger === undefined || flow === undefined) {
    return reply(
      refused(
        'unknown',
        `The flow '${command.namespace}.${command.flowId}' has no trigger '${triggerId}' with a state`,
      ),
    );
  }
  const changed = applied(trigger, change, context.plan?.triggers.get(triggerId)?.schedule, command, context.now);
  if (changed !== null && changed.kind === 'refused') return reply(changed);
  if (changed === null) outcome.facts.push({ kind: 'trigger-removed', triggerId });
  else if (changed !== trigger) outcome.set(changed, context.now);
  const recentCommands = [...flow.recentCommands, commandId].slice(-REMEMBERED);
  outcome.facts.push({ kind: 'flow-set', flow: { ...flow, recentCommands } });
  reply({ kind: 'trigger', ...(changed === null ? {} : { trigger: { ...changed, updatedDate: context.now } }) });
}

function applied(
  trigger: TriggerState,
  change: TriggerChange,
  schedule: Schedule | undefined,
  { commandId }: TriggerCommand,
  now: number,
): Changed {
  switch (change.kind) {
    case 'set-disabled':
      return setDisabled(trigger, change.disabled, schedule, now);
    case 'unlock':
      if (trigger.executionId === undefined && trigger.evaluateRunningDate === undefined) {
        return refused('conflict', `The trigger '${trigger.triggerId}' is not locked`);
      }
      return unlocked(trigger, schedule, now);
    case 'restart':
      return without(trigger, 'evaluateRunningDate', 'workerId');
    case 'delete':
      return null;
    case 'create-backfill':
      return createBackfill(trigger, change, schedule, commandId, now);
    case 'pause-backfill':
    case 'unpause-backfill':
      return trigger.backfill
        ? { ...trigger, backfill: { ...trigger.backfill, paused: change.kind === 'pause-backfill' } }
        : noBackfill(trigger);
    case 'delete-backfill':
      return trigger.backfill ? withoutBackfill(trigger) : noBackfill(trigger);
    default:
      return change satisfies never;
  }
}

const noBackfill = ({ triggerId }: TriggerState): Refused =>
  refused('conflict', `The trigger '${triggerId}' has no backfill`);

/** What was due while it was disabled is not made up for. */
function setDisabled(
  trigger: TriggerState,
  disabled: boolean,
  schedule: Schedule | undefined,
  now: number,
): TriggerState {
  if (trigger.disabled === disabled) return trigger;
  const changed = { ...trigger, disabled };
  return disabled || !schedule ? changed : startingAnew(changed, schedule, now);
}

function createBackfill(
  trigger: TriggerState,
  { start, end = undefined, inputs, labels }: Extract<TriggerChange, { kind: 'create-backfill' }>,
  schedule: Schedule | undefined,
  commandId: string,
  now: number,
): TriggerState | Refused {
  const { triggerId } = trigger;
  if (trigger.backfill)
    return refused('conflict', `The trigger '${triggerId}' has a backfill already: delete it first`);
  if (!schedule)
    return refused('conflict', `The trigger '${triggerId}' has no dates, so there is nothing to make up for`);
  const until = end ?? now;
  if (until <= start) return refused('invalid', 'The end of a backfill must be after its start');
  const first = schedule.next(start - 1)?.date;
  if (first === undefined || first > until) {
    return refused('invalid', `The trigger '${triggerId}' has no date from the start to the end of the backfill`);
  }
  const { nextExecutionDate } = trigger;
  return {
    ...trigger,
    backfill: {
      id: commandId,
      start,
      end: until,
      currentDate: first,
      paused: false,
      ...(inputs === undefined ? {} : { inputs }),
      ...(labels === undefined ? {} : { labels }),
      ...(nextExecutionDate === undefined ? {} : { previousNextExecutionDate: nextExecutionDate }),
    },
  };
}
