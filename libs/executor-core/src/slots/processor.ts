import type { FlowEvent, Topics } from '@millrace/model';
import { CountedSlotState } from './counted.js';
import { decideSlots, failSlots } from './decide.js';
import { SlotState, type SlotFact, type SlotRecords } from './state.js';

/** Broken on purpose: only the simulation sets it, to show that its checks would notice. */
export type BrokenSlots = 'slot-counted';

/** The slots of flows as a keyed state machine over `flow-events`, in the shape of the queue's contract. */
export function slotProcessor(topics: Pick<Topics, 'flowEvents' | 'flowState'>, broken?: BrokenSlots) {
  return {
    name: 'slots',
    input: topics.flowEvents,
    stateTopics: [topics.flowState],
    topicOf: () => topics.flowState,
    open: (_key: string, records: SlotRecords) =>
      broken === 'slot-counted' ? new CountedSlotState(records) : new SlotState(records),
    decide: (state: SlotState, input: FlowEvent | { readonly kind: 'wake' }) => decideSlots(state, input),
    evolve: (state: SlotState, fact: SlotFact) => state.evolve(fact),
    fail: (_state: SlotState, input: FlowEvent | { readonly kind: 'wake' }, fault: Error) => failSlots(input, fault),
    dueAt: () => undefined,
    ended: (state: SlotState) => state.holders === 0 && state.waiters === 0,
    continuation: (_key: string, pending: readonly FlowEvent[]): FlowEvent => ({ kind: 'continued', pending }),
    pendingOf: (event: FlowEvent) => (event.kind === 'continued' ? event.pending : undefined),
  };
}
