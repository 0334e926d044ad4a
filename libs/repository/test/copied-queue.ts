import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { keyOf, outgoing, triggerRecordId, triggersKey, type Clock, type OutgoingRecord } from '@millrace/model';
import { createMemoryQueue } from '@millrace/queue/memory';
import { openOverlay } from '../src/overlay/index.js';
import { createdOf, topics, VARIABLES, type Filled } from './database.js';

/** Time that stands still; a wait that would take some of it never ends by itself. */
const STILL: Clock = { now: () => 0, after: () => () => undefined };

/** A queue without tables, and the copy that a webserver keeps of it. */
export function createCopiedQueue(): Filled {
  const folder = mkdtempSync(join(tmpdir(), 'copied-queue-'));
  const queue = createMemoryQueue({ clock: STILL });
  let filled: OutgoingRecord[] = [];
  const onError = (error: unknown): void => {
    throw error;
  };
  return {
    execution(head, created = createdOf(head)) {
      const key = keyOf(head.tenant, head.executionId);
      filled.push(
        outgoing({ topic: topics.executions, key, id: 'head', value: head }),
        outgoing({ topic: topics.executions, key, id: 'created', value: created }),
        outgoing({ topic: topics.executions, key, id: 'variables', value: VARIABLES }),
      );
    },
    taskRun(one) {
      filled.push(
        outgoing({ topic: topics.taskRuns, key: keyOf(one.tenant, one.executionId), id: one.id, value: one }),
      );
    },
    log: (entry) =>
      void filled.push(outgoing({ topic: topics.logs, key: keyOf(entry.tenant, entry.executionId), value: entry })),
    metric: (entry) =>
      void filled.push(outgoing({ topic: topics.metrics, key: keyOf(entry.tenant, entry.executionId), value: entry })),
    trigger: (state) =>
      void filled.push(
        outgoing({
          topic: topics.triggers,
          key: triggersKey(state.tenant, state.namespace, state.flowId),
          id: triggerRecordId(state.triggerId),
          value: state,
        }),
      ),
    async written() {
      await queue.publish(filled);
      filled = [];
    },
    open: () => openOverlay({ queue, topics, folder, clock: STILL, onError }),
    async remove() {
      await queue.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
