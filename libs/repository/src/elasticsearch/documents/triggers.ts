import { keyParts, shownNextDate, type TriggerRecord } from '@millrace/model';
import type { LoggedRecord } from '@millrace/queue';
import { triggerKeyOf } from '../../part.js';
import { documentId } from '../names.js';
import { positionOf, textOf, type Operation } from './document.js';

const RECORD_ID = /^trigger[/](.*)$/s;

/**
 * The state of a trigger, versioned by its place in the log. Its removal is one: triggers are kept in the queue as long as
 * they exist. What the triggers of a flow share is not searched.
 */
export function triggerOperation(record: LoggedRecord<TriggerRecord>): Operation | undefined {
  const { key: flowKey, id, value } = record;
  const [, triggerId] = RECORD_ID.exec(id) ?? [];
  if (triggerId === undefined) return undefined;
  const [tenant = '', namespace = '', flowId = ''] = keyParts(flowKey);
  const key = triggerKeyOf(tenant, { namespace, flowId, triggerId });
  const operation = { kind: 'triggers', id: documentId(key), at: 0, version: positionOf(record) } as const;
  if (value === null) return operation;
  if (value.kind !== 'trigger') return undefined;
  return {
    ...operation,
    document: {
      key,
      flowKey,
      tenant,
      namespace,
      flowId,
      triggerId,
      executionId: value.executionId,
      workerId: value.workerId,
      date: value.date,
      nextExecutionDate: shownNextDate(value),
      disabled: value.disabled ? 1 : 0,
      record: textOf(value),
    },
  };
}
