import { randomBytes } from 'node:crypto';
import {
  keyOf,
  newId,
  outgoing,
  triggersKey,
  type Clock,
  type ExecutionOperation,
  type OutgoingRecord,
  type Reply,
  type ResourceChange,
  type Topics,
  type TriggerChange,
  type TriggerCommand,
} from '@millrace/model';
import type { Queue, Tail } from '@millrace/queue';

/** How long a caller waits for the owner of a key. */
const REPLY_TIMEOUT_MS = 10_000;

export type CommandOutcome = Reply['outcome'];

/** An operation on an execution, and who wants it. */
export interface Operation {
  readonly tenant: string;
  readonly executionId: string;
  readonly operation: ExecutionOperation;
  /** Name of the account or task, for logs and outputs. */
  readonly by?: string;
}

/** What is wanted of a trigger. */
export interface TriggerOperation {
  readonly tenant: string;
  readonly namespace: string;
  readonly flowId: string;
  readonly triggerId: string;
  readonly change: TriggerChange;
}

/**
 * Changes things by asking the owner of their key, who answers in the transaction of the change (protocols.md part 5).
 * A refusal is a value; the methods throw a `QueueError` when the command cannot be stored (QUEUE_TOO_LARGE, QUEUE_UNAVAILABLE)
 * and `NotConfirmedError` when it is durable and was not answered in time.
 */
export interface Commands {
  /** @param key `flowKey`, `USERS_KEY` or the key of another resource */
  change(key: string, change: ResourceChange): Promise<CommandOutcome>;
  operate(operation: Operation): Promise<CommandOutcome>;
  trigger(operation: TriggerOperation): Promise<CommandOutcome>;
  /** Whoever still waits gets no answer. */
  close(): void;
}

/** The command was accepted and is durable; its owner has not answered in time. */
export class NotConfirmedError extends Error {
  override readonly name = 'NotConfirmedError';
  constructor(readonly commandId: string) {
    super('The change was accepted and is not confirmed yet: look again before you repeat it');
  }
}

export interface CommandsOptions {
  readonly queue: Queue;
  readonly topics: Topics;
  /** The server that waits; replies are keyed by it. */
  readonly instance: string;
  readonly clock: Clock;
  readonly onError: (error: unknown) => void;
}

export async function createCommands({ queue, topics, instance, clock, onError }: CommandsOptions): Promise<Commands> {
  const waiting = new Map<string, (outcome: CommandOutcome) => void>();
  const replies: Tail = await queue.tail(topics.replies, {
    key: instance,
    onRecord({ value }) {
      if (value) waiting.get(value.commandId)?.(value.outcome);
    },
    onError,
  });

  async function send(recordOf: (commandId: string, at: number) => OutgoingRecord): Promise<CommandOutcome> {
    const at = clock.now();
    const commandId = newId(at, randomBytes(16));
    let stopTimer = (): void => undefined;
    try {
      const outcome = new Promise<CommandOutcome | undefined>((resolve) => {
        waiting.set(commandId, resolve);
        stopTimer = clock.after(REPLY_TIMEOUT_MS, () => resolve(undefined));
      });
      await queue.publish([recordOf(commandId, at)]);
      const answer = await outcome;
      if (answer) return answer;
    } finally {
      stopTimer();
      waiting.delete(commandId);
    }
    throw new NotConfirmedError(commandId);
  }

  return {
    change: (key, change) =>
      send((commandId, at) =>
        outgoing({ topic: topics.resourceCommands, key, value: { commandId, replyTo: instance, at, change } }),
      ),
    operate: ({ tenant, executionId, operation, by }) =>
      send((commandId, at) =>
        outgoing({
          topic: topics.executionEvents,
          key: keyOf(tenant, executionId),
          value: {
            kind: 'operation-requested',
            tenant,
            executionId,
            commandId,
            replyTo: instance,
            at,
            operation,
            ...(by === undefined ? {} : { by }),
          },
        }),
      ),
    trigger: (operation) =>
      send((commandId, at) => triggerCommand(topics, operation, { commandId, replyTo: instance, at })),
    close() {
      replies.close();
      waiting.clear();
    },
  };
}

/** The record that asks the owner of a trigger. */
function triggerCommand(
  { triggerEvents }: Topics,
  operation: TriggerOperation,
  command: { readonly commandId: string; readonly replyTo: string; readonly at: number },
): OutgoingRecord {
  const { tenant, namespace, flowId } = operation;
  const value: TriggerCommand = { kind: 'trigger-command', ...operation, ...command };
  return outgoing({ topic: triggerEvents, key: triggersKey(tenant, namespace, flowId), value });
}
