import type { Effect } from '@millrace/executor-core';
import {
  flowKey,
  jobKey,
  keyOf,
  outgoing,
  triggersKey,
  type FlowEvent,
  type OutgoingRecord,
  type Topics,
} from '@millrace/model';

/** The record that an effect becomes. */
export function outgoingEffect(topics: Topics): (effect: Effect) => OutgoingRecord {
  const groups = new Map<string, ReturnType<Topics['jobs']>>();
  /** The same topic for each job of a group. */
  const jobs = (group: string): ReturnType<Topics['jobs']> => {
    const topic = groups.get(group) ?? topics.jobs(group);
    groups.set(group, topic);
    return topic;
  };
  return (effect) => {
    switch (effect.kind) {
      case 'submit-job':
        return outgoing({ topic: jobs(effect.group), key: jobKey(effect.job), value: effect.job });
      case 'cancel-job':
        return outgoing({ topic: jobs(effect.group), key: effect.key, value: null });
      case 'command-worker':
        return outgoing({ topic: topics.workerCommands, key: effect.instance, value: effect.command });
      case 'send-event':
        return outgoing({
          topic: topics.executionEvents,
          key: keyOf(effect.event.tenant, effect.event.executionId),
          value: effect.event,
        });
      case 'send-flow-event':
        return flowEventRecord(topics, effect.event);
      case 'reply':
        return outgoing({ topic: topics.replies, key: effect.replyTo, value: effect.reply });
      case 'tell-trigger': {
        const { tenant, namespace, flowId } = effect.event;
        return outgoing({
          topic: topics.triggerEvents,
          key: triggersKey(tenant, namespace, flowId),
          value: effect.event,
        });
      }
      case 'write-log':
        return outgoing({
          topic: topics.logs,
          key: keyOf(effect.entry.tenant, effect.entry.executionId),
          value: effect.entry,
        });
      case 'write-metric':
        return outgoing({
          topic: topics.metrics,
          key: keyOf(effect.entry.tenant, effect.entry.executionId),
          value: effect.entry,
        });
      default:
        return effect satisfies never;
    }
  };
}

/** An event for the slots of a flow. */
export const flowEventRecord = (
  { flowEvents }: Topics,
  event: Extract<FlowEvent, { readonly flowId: string }>,
): OutgoingRecord => {
  const { tenant, namespace, flowId } = event;
  return outgoing({ topic: flowEvents, key: flowKey(tenant, namespace, flowId), value: event });
};
