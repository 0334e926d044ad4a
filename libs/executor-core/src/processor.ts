import {
  isTerminal,
  type Continued,
  type ExecutionEvent,
  type ExecutionRecord,
  keyParts,
  type Topics,
} from '@millrace/model';
import type { ExecutionContext } from './context.js';
import { decide, failed, type Wake } from './decide/decide.js';
import { evolve } from './evolve.js';
import type { Fact } from './facts.js';
import type { Input } from './outcome.js';
import { ExecutionState, type Records } from './state.js';
import { tellTrigger } from './tell-trigger.js';
import { concernsGroup } from './waiting-jobs.js';

/** The execution as a keyed state machine over `execution-events`, in the shape of the queue's contract. */
export function executionProcessor(topics: Pick<Topics, 'executionEvents' | 'executions' | 'taskRuns'>) {
  return {
    name: 'executor',
    input: topics.executionEvents,
    stateTopics: [topics.executions, topics.taskRuns],
    topicOf: (record: ExecutionRecord) => (record.kind === 'task-run' ? topics.taskRuns : topics.executions),
    open: (_key: string, records: Records) => new ExecutionState(records),
    decide: (state: ExecutionState, input: Input | Wake, context: ExecutionContext) =>
      tellTrigger(state, decide(state, input, context), context.now),
    evolve: (state: ExecutionState, fact: Fact) => evolve(state, fact),
    fail: (state: ExecutionState, input: Input | Wake, fault: Error, context: ExecutionContext) =>
      tellTrigger(state, failed(state, input, fault, context), context.now),
    dueAt: (state: ExecutionState) => state.dueAt,
    ended: (state: ExecutionState) =>
      state.exists &&
      isTerminal(state.head.state) &&
      state.head.progress.section === 'ended' &&
      state.head.timers === undefined,
    continuation: (key: string, pending: readonly Input[]): Continued => {
      const [tenant = '', executionId = ''] = keyParts(key);
      return { kind: 'continued', tenant, executionId, pending };
    },
    pendingOf: (event: Input) => (event.kind === 'continued' ? (event.pending as readonly Input[]) : undefined),
    bringsBack: (event: Input) => event.kind === 'snapshot-part' && event.total !== undefined,
    *spread(
      event: Input,
      live: Iterable<readonly [string, ExecutionState]>,
    ): Iterable<readonly [string, ExecutionEvent]> {
      if (event.kind === 'maintenance-ended') {
        for (const [key, state] of live) {
          if (!state.exists || state.head.awaitsMaintenance !== true) continue;
          const { tenant, executionId } = state.head;
          yield [key, { kind: 'maintenance-ended', tenant, executionId }];
        }
        return;
      }
      if (event.kind === 'workers-changed') {
        for (const [key, state] of live) {
          if (!concernsGroup(state, event)) continue;
          const { tenant, executionId } = state.head;
          yield [key, { ...event, tenant, executionId }];
        }
        return;
      }
      if (event.kind !== 'instance-lost') return;
      for (const [key, state] of live) {
        if (!state.exists || !(event.instance in state.head.claims)) continue;
        const { tenant, executionId } = state.head;
        yield [key, { kind: 'instance-lost', instance: event.instance, tenant, executionId }];
      }
    },
  };
}
