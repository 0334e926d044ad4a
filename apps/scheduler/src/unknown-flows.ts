import {
  keyParts,
  LATEST,
  outgoing,
  TRIGGERS_OF_FLOW,
  triggersKey,
  type Clock,
  type Flow,
  type FlowChanged,
  type Resource,
  type Topics,
} from '@millrace/model';
import type { Queue, View } from '@millrace/queue';

/** Events in one call of `publish`. */
const PIECE = 500;

/**
 * Tells the processor of flows whose triggers it does not know, or knows in an older revision: those that were saved before
 * there was one. Harmless for all others, and when several servers do it at once.
 */
export async function announceUnknownFlows(
  queue: Queue,
  topics: Topics,
  resources: View<Resource>,
  clock: Clock,
): Promise<void> {
  const triggers = await queue.view(topics.triggers);
  try {
    const revisionOf = ({ tenant, namespace, id }: Flow): number => {
      const record = triggers.get(triggersKey(tenant, namespace, id), TRIGGERS_OF_FLOW);
      return record?.kind === 'flow' ? record.revision : 0;
    };
    const unknown: Flow[] = [];
    for (const key of resources.keys()) {
      const [, kind] = keyParts(key);
      const resource = kind === 'flow' ? resources.get(key, LATEST) : undefined;
      if (resource?.kind !== 'flow') continue;
      const { flow } = resource;
      const known = revisionOf(flow);
      const hasTriggers = !flow.deleted && (flow.definition.triggers ?? []).length > 0;
      if (known < flow.revision && (known > 0 || hasTriggers)) unknown.push(flow);
    }
    for (let at = 0; at < unknown.length; at += PIECE) {
      await queue.publish(unknown.slice(at, at + PIECE).map((flow) => announcement(topics, flow, clock.now())));
    }
  } finally {
    triggers.close();
  }
}

function announcement({ triggerEvents }: Topics, flow: Flow, at: number) {
  const { tenant, namespace, id: flowId, revision, deleted } = flow;
  const value: FlowChanged = { kind: 'flow-changed', tenant, namespace, flowId, revision, deleted, at };
  return outgoing({ topic: triggerEvents, key: triggersKey(tenant, namespace, flowId), value });
}
