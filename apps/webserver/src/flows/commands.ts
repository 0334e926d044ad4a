import { randomBytes } from 'node:crypto';
import {
  newId,
  outgoing,
  type Clock,
  type Reply,
  type ResourceChange,
  type Resource,
  type Topics,
} from '@millrace/model';
import type { Queue, Tail } from '@millrace/queue';
import { HttpError } from '../http/errors.js';
import { publishSent } from '../http/publish.js';

/** How long a caller waits for the owner of a resource. */
const REPLY_TIMEOUT_MS = 10_000;

export type CommandOutcome = Reply['outcome'];

/** Changes resources by asking the owner of their key (protocols.md part 5). */
export interface Commands {
  /**
   * The owner's answer.
   * @param key `flowKey` or `userKey`
   * @throws HttpError 413; 504 with the command's id: accepted, durable, not confirmed in time
   */
  send(key: string, change: ResourceChange): Promise<CommandOutcome>;
  close(): void;
}

export interface CommandsOptions {
  readonly queue: Queue;
  readonly topics: Topics;
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
  return {
    async send(key, change) {
      const commandId = newId(clock.now(), randomBytes(16));
      const value = { commandId, replyTo: instance, at: clock.now(), change };
      let stopTimer = (): void => undefined;
      try {
        const outcome = new Promise<CommandOutcome | undefined>((resolve) => {
          waiting.set(commandId, resolve);
          stopTimer = clock.after(REPLY_TIMEOUT_MS, () => resolve(undefined));
        });
        await publishSent(queue, outgoing({ topic: topics.resourceCommands, key, value }), {
          what: change.kind === 'save-flow' ? 'The flow' : 'The change',
          advice: 'split it, or keep large values in files',
        });
        const answer = await outcome;
        if (answer) return answer;
      } finally {
        stopTimer();
        waiting.delete(commandId);
      }
      throw new HttpError(504, 'The change was accepted and is not confirmed yet: look again before you repeat it', {
        members: { code: 'not-confirmed', commandId },
      });
    },
    close() {
      replies.close();
      waiting.clear();
    },
  };
}

/** The resource of an outcome. @throws HttpError 422 exists, 404 unknown, 409 conflict */
export function resourceOf(outcome: CommandOutcome): { readonly resource: Resource; readonly changed: boolean } {
  if (outcome.kind === 'done') return outcome;
  const status = { exists: 422, unknown: 404, conflict: 409 }[outcome.reason];
  throw new HttpError(status, outcome.message);
}
