import { isTerminal, type ChildExecutionEnded, type ParentTaskRun, type PlainObject } from '@millrace/model';
import { sentence, type Decision } from '../decision.js';
import { rendering } from '../rendering.js';
import { slotEventOf } from '../slot-events.js';
import { settleWarnings, WORKERS_TIMER } from '../worker-groups.js';

/** Step `fully-ended`: the execution has ended with all that comes after; whoever waits for that is told. */
export function fullyEnded(decision: Decision): void {
  const { head, created } = decision.view;
  if (!isTerminal(head.state) || head.progress.section !== 'ended') return;
  // What waited for a worker after the end, in `afterExecution`.
  if (head.timers?.[WORKERS_TIMER] !== undefined) {
    decision.fact({ kind: 'timer-set', name: WORKERS_TIMER, at: undefined });
  }
  settleWarnings(decision, new Set());
  if (head.slot !== undefined) {
    decision.fact({ kind: 'slot-set', slot: undefined });
    decision.effect({ kind: 'send-flow-event', event: slotEventOf(head, 'fully-ended') });
  }
  // RETRIED: another execution took its place, and tells the parent when it has ended.
  if (created.parent?.waits === true && head.state !== 'RETRIED') tellParent(decision, created.parent);
}

/** A parent asked for a restart, and there was nothing to restart: it hears how things are. */
export function tellOfNoRestart(decision: Decision, parent: ParentTaskRun): void {
  const { head } = decision.view;
  if (isTerminal(head.state) && head.progress.section === 'ended') tellParent(decision, parent);
}

function tellParent(decision: Decision, parent: ParentTaskRun): void {
  const { head } = decision.view;
  const outputs = { ...head.outputs, ...renderedOutputs(decision, parent) };
  decision.effect({
    kind: 'send-event',
    event: {
      ...childEnded(parent, head.tenant, head.originalId, decision.now),
      state: head.state,
      ...(Object.keys(outputs).length === 0 ? {} : { outputs }),
    },
  });
}

/** What every event to a parent says. */
export const childEnded = (
  { executionId, taskRunId, index }: ParentTaskRun,
  tenant: string,
  childId: string,
  at: number,
): Omit<ChildExecutionEnded, 'state'> => ({
  kind: 'child-execution-ended',
  tenant,
  executionId,
  taskRunId,
  ...(index === undefined ? {} : { index }),
  childId,
  at,
});

/** The deprecated `outputs` of a Subflow: expressions over this execution; one that fails is left out, and logged. */
function renderedOutputs(decision: Decision, { outputs }: ParentTaskRun): PlainObject {
  if (!outputs || !decision.context.flow) return {};
  const render = rendering(decision.view, decision.flow, decision.context);
  const rendered: Record<string, unknown> = {};
  for (const [name, written] of Object.entries(outputs)) {
    try {
      rendered[name] = render.typed(written);
    } catch (error) {
      decision.note('WARN', `The output '${name}' that the parent asked for cannot be evaluated: ${sentence(error)}`);
    }
  }
  return rendered;
}
