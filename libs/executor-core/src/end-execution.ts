import { convertOutput } from '@millrace/flow';
import { isTerminal, type State } from '@millrace/model';
import { sentence, type Decision } from './decision.js';
import { stopChildren } from './end-task-run.js';
import { isPure, rendering } from './rendering.js';

/** Gives the execution its final state, after its outputs have been evaluated (spec flow.md §4). */
export function endExecution(decision: Decision, state: State): void {
  const { head } = decision.view;
  if (isTerminal(head.state)) return;
  const failure = decision.isLeaving ? undefined : setOutputs(decision);
  if (failure !== undefined) decision.noteFailure(failure);
  clearTimers(decision);
  decision.fact({ kind: 'execution-moved', to: failure === undefined ? state : 'FAILED', at: decision.now });
}

/** Ends an execution of which nothing runs or has run. */
export function endUnstarted(decision: Decision, state: State): void {
  clearTimers(decision);
  decision.fact({ kind: 'execution-moved', to: state, at: decision.now });
}

/** Fails the execution at once, whatever runs; for faults that no task can answer for. */
export function failExecution(decision: Decision, message: string): void {
  const { head } = decision.view;
  if (isTerminal(head.state)) return;
  decision.noteFailure(message);
  stopChildren(decision, undefined, 'FAILED');
  clearTimers(decision);
  decision.fact(
    { kind: 'section-entered', owner: undefined, section: 'ended' },
    { kind: 'execution-moved', to: 'FAILED', at: decision.now },
  );
}

/** Nothing is due in an execution that has ended. */
export function clearTimers(decision: Decision): void {
  for (const name of Object.keys(decision.view.head.timers ?? {})) {
    decision.fact({ kind: 'timer-set', name, at: undefined });
  }
}

/** Answers what went wrong, if anything did. */
function setOutputs(decision: Decision): string | undefined {
  const { outputs: declared } = decision.flow;
  if (declared.length === 0) return undefined;
  const render = rendering(decision.view, decision.flow, decision.context);
  const outputs: Record<string, unknown> = {};
  const failures: string[] = [];
  for (const output of declared) {
    try {
      if (!isPure({ value: output.value })) throw new Error('it calls a function that only a worker has');
      const converted = convertOutput(output, render.typed(output.value));
      if ('reason' in converted) throw new Error(`its value ${converted.reason}`);
      outputs[output.id] = converted.value;
    } catch (error) {
      // An optional output that cannot be evaluated is left out (spec flow.md §4: null; null members are omitted).
      if (output.required !== false) failures.push(`Output '${output.id}' cannot be evaluated: ${sentence(error)}`);
    }
  }
  const { outputBytes } = decision.context.limits;
  if (JSON.stringify(outputs).length > outputBytes) {
    return `The outputs of the flow are larger than ${outputBytes} bytes: write them to a file instead.`;
  }
  if (Object.keys(outputs).length > 0) decision.fact({ kind: 'execution-outputs-set', outputs });
  return failures.length > 0 ? failures.join('; ') : undefined;
}
