import { endDate, keyParts, type ExecutionHead, type ExecutionRecord } from '@millrace/model';
import type { LoggedRecord } from '@millrace/queue';
import { documentId } from '../names.js';
import { labelTerm } from '../terms.js';
import { positionOf, textOf, type Operation } from './document.js';

/**
 * A record of `executions`: a head is a document of its own, versioned by its revision; the others by their place in the log,
 * except those that are written once. A bare removal says only that the queue no longer needs the record.
 */
export function executionOperation(record: LoggedRecord<ExecutionRecord>): Operation | undefined {
  const { key, id, value } = record;
  if (value === null) return undefined;
  if (value.kind === 'head') return headOperation(key, value);
  const [tenant = ''] = keyParts(key);
  const isWrittenOnce = value.kind === 'created' || value.kind === 'values';
  const position = positionOf(record);
  return {
    kind: 'execution-records',
    id: documentId(key, id),
    at: 0,
    ...(isWrittenOnce ? {} : { version: position }),
    document: { key, tenant, id, kind: value.kind, position, record: textOf(value) },
  };
}

function headOperation(key: string, head: ExecutionHead): Operation {
  const startDate = head.histories[0]?.date ?? 0;
  const operation = { kind: 'executions', id: documentId(key), at: startDate, version: head.revision } as const;
  // Without a tenant no search finds it. It stays, so that no older state is written again.
  if (head.deleted === true) return { ...operation, document: { key, deleted: true } };
  const end = endDate(head);
  return {
    ...operation,
    document: {
      key,
      tenant: head.tenant,
      executionId: head.executionId,
      namespace: head.namespace,
      flowId: head.flowId,
      state: head.state,
      startDate,
      ...(end === undefined ? {} : { endDate: end, duration: end - startDate }),
      triggerExecutionId: head.triggerExecutionId,
      kind: head.executionKind ?? 'NORMAL',
      labels: head.labels.map(({ key: name, value }) => labelTerm(name, value)),
      record: textOf(head),
    },
  };
}
