import { LATEST, type FlowEvent } from '@millrace/model';
import type { ResourceFact } from './changes.js';

export type SlotLimitChanged = Extract<FlowEvent, { kind: 'flow-changed' }>;

/**
 * What the slots of a flow hear of a change, in the transaction of the change: an execution of the new revision never asks
 * slots that do not know its limit. A flow that is deleted keeps its limit for those that still wait.
 */
export const changedSlotLimits = (facts: readonly ResourceFact[]): readonly SlotLimitChanged[] =>
  facts.flatMap(({ id, resource }) => {
    if (id !== LATEST || resource?.kind !== 'flow') return [];
    const { tenant, namespace, id: flowId, revision, deleted, definition } = resource.flow;
    const { concurrency } = definition;
    const event: SlotLimitChanged = {
      kind: 'flow-changed',
      tenant,
      namespace,
      flowId,
      revision,
      ...(concurrency === undefined ? {} : { concurrency }),
    };
    return deleted ? [] : [event];
  });
