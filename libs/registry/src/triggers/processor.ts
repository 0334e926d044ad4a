import { excerpt, type Topics, type TriggerEvent, type TriggerRecord } from '@millrace/model';
import { commanded } from './command.js';
import { wake } from './evaluate.js';
import { executionEnded } from './execution-ended.js';
import { flowChanged } from './flow-changed.js';
import { TriggerOutcome, type TriggerContext } from './outcome.js';
import { dueAt, FlowTriggersState, type TriggerFact, type TriggerRecords } from './state.js';
import type { Wake } from '../records.js';

/**
 * The scheduler as a keyed state machine over `trigger-events`: all triggers of a flow under one key. A date's execution and
 * the date after it commit together, so no date is lost or run twice, whoever leads (architecture.md part 5). The execution's
 * id follows from trigger and date.
 */
export function triggerProcessor(topics: Pick<Topics, 'triggerEvents' | 'triggers'>) {
  return {
    name: 'scheduler',
    input: topics.triggerEvents,
    stateTopics: [topics.triggers],
    topicOf: (_record: TriggerRecord) => topics.triggers,
    open: (_key: string, records: TriggerRecords) => new FlowTriggersState(records),
    decide,
    evolve: (state: FlowTriggersState, fact: TriggerFact) => state.apply(fact),
    fail,
    dueAt: (state: FlowTriggersState) => state.dueAt,
    ended: (state: FlowTriggersState) => state.dueAt === undefined && !state.isLocked,
    continuation: (): never => {
      throw new Error('An event of a trigger is decided in one step');
    },
    pendingOf: () => undefined,
  };
}

function decide(state: FlowTriggersState, input: TriggerEvent | Wake, context: TriggerContext): TriggerOutcome {
  const outcome = new TriggerOutcome();
  switch (input.kind) {
    case 'wake':
      wake(state, context, outcome);
      break;
    case 'flow-changed':
      flowChanged(state, input, context, outcome);
      break;
    case 'trigger-execution-ended':
      executionEnded(state, input, context, outcome);
      break;
    case 'trigger-command':
      commanded(state, input, context, outcome);
      break;
    default:
      input satisfies never;
  }
  return outcome;
}

/** A bug in an evaluation: what was due is disabled and says so, or it would fail again each second. */
function fail(
  state: FlowTriggersState,
  input: TriggerEvent | Wake,
  fault: Error,
  { now }: TriggerContext,
): TriggerOutcome {
  const outcome = new TriggerOutcome();
  if (input.kind !== 'wake') return outcome;
  for (const trigger of state.triggers()) {
    const due = dueAt(trigger);
    if (due === undefined || due > now) continue;
    outcome.set({ ...trigger, disabled: true }, now);
    outcome.warn(
      trigger,
      `The trigger is disabled, because the engine could not evaluate it: ${excerpt(fault.message, 500)}`,
      now,
    );
  }
  return outcome;
}
