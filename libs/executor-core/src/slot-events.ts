import type { ExecutionHead, FlowEvent } from '@millrace/model';

/** What happens to an execution as far as the slots of its flow are concerned. */
export type SlotOccasion = 'begin' | 'restart' | 'force-run' | 'unqueue' | 'fully-ended' | 'delete';

/** One table: the event that each operation means for the slots (protocols.md part 4.2). */
const EVENTS: Readonly<Record<SlotOccasion, 'slot-requested' | 'slot-taken' | 'slot-released'>> = {
  begin: 'slot-requested',
  // It runs already when the slots hear of it.
  restart: 'slot-taken',
  // These leave the queue at once; they run, so they count.
  'force-run': 'slot-taken',
  unqueue: 'slot-taken',
  // Normal ends and kills, queued executions included: a waiter leaves the queue.
  'fully-ended': 'slot-released',
  delete: 'slot-released',
};

/** The event for the slots of an execution's flow. */
export const slotEventOf = (
  { tenant, namespace, flowId, executionId }: Pick<ExecutionHead, 'tenant' | 'namespace' | 'flowId' | 'executionId'>,
  occasion: SlotOccasion,
): Extract<FlowEvent, { readonly executionId: string }> => ({
  kind: EVENTS[occasion],
  tenant,
  namespace,
  flowId,
  executionId,
});
