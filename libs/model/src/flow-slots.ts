/**
 * Slots of a flow: how many of its executions may run at a time (protocols.md part 4.2). Who holds one is a set and not a
 * count, so repeats change nothing. Events of the topic `flow-events`, key: `flowKey`.
 */
export type FlowEvent =
  /** An execution wants to start. */
  | (SlotEvent & { readonly kind: 'slot-requested' })
  /** It has ended with all that comes after, is gone, or does not want one any more. */
  | (SlotEvent & { readonly kind: 'slot-released' })
  /** It runs whatever the limit says; it counts all the same. */
  | (SlotEvent & { readonly kind: 'slot-taken' })
  /** A revision was saved, or the flow was deleted. */
  | {
      readonly kind: 'flow-changed';
      readonly tenant: string;
      readonly namespace: string;
      readonly flowId: string;
      readonly revision: number;
      readonly concurrency?: SlotLimit;
    }
  /** Somebody doubts the count: every holder is asked whether it still is one. */
  | {
      readonly kind: 'slots-recounted';
      readonly tenant: string;
      readonly namespace: string;
      readonly flowId: string;
      /** Holders that were asked already. */
      readonly from?: number;
    }
  /** There may be room for waiters. */
  | { readonly kind: 'slots-freed' }
  /** What was left to decide when the shell yielded. */
  | { readonly kind: 'continued'; readonly pending: readonly FlowEvent[] };

interface SlotEvent {
  readonly tenant: string;
  readonly namespace: string;
  readonly flowId: string;
  readonly executionId: string;
}

/** The `concurrency` of a flow. */
export interface SlotLimit {
  readonly limit: number;
  /** What becomes of an execution beyond the limit. Absent: QUEUE. */
  readonly behavior?: 'QUEUE' | 'CANCEL' | 'FAIL';
}

/** Records of the topic `flow-state`. */
export type FlowRecord = SlotsRecord | SlotHolder | SlotWaiter;

/** The limit that holds now, and the counter that keeps the waiters in order. */
export interface SlotsRecord {
  readonly kind: 'slots';
  readonly tenant: string;
  readonly namespace: string;
  readonly flowId: string;
  /** Of the flow that set the limit; an older one changes nothing. */
  readonly revision: number;
  readonly limit?: SlotLimit;
  readonly nextPlace: number;
  /** Only of a simulation that breaks the rule on purpose. */
  readonly counted?: number;
}

export interface SlotHolder {
  readonly kind: 'holder';
  readonly executionId: string;
}

export interface SlotWaiter {
  readonly kind: 'waiter';
  readonly executionId: string;
  /** Lower ones come first. */
  readonly place: number;
}
