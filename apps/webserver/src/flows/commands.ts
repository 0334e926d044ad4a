import type { Reply, ResourceChange, Resource, TriggerState } from '@millrace/model';
import { RECORD_LENGTH_MAX, QueueError } from '@millrace/queue';
import { createCommands as createSharedCommands, NotConfirmedError, type CommandsOptions } from '@millrace/resources';
import type { Operation, TriggerOperation } from '@millrace/resources';
import { HttpError } from '../http/errors.js';

export type CommandOutcome = Reply['outcome'];

/** Commands of callers of the API: what goes wrong is told in words of HTTP. */
export interface Commands {
  /**
   * The owner's answer.
   * @param key of the resource
   * @throws HttpError 413; 504 with the command's id: accepted, durable, not confirmed in time
   */
  send(key: string, change: ResourceChange): Promise<CommandOutcome>;
  /** Asks the owner of an execution. @throws as `send`; HttpError 404, 409, 422 when it is refused */
  operate(operation: Operation): Promise<void>;
  /** Asks the owner of a trigger; answers its new state, undefined when it was deleted. @throws as `operate` */
  trigger(operation: TriggerOperation): Promise<TriggerState | undefined>;
  close(): void;
}

export async function createCommands(options: CommandsOptions): Promise<Commands> {
  const commands = await createSharedCommands(options);
  return {
    send: (key, change) => asked(commands.change(key, change), change.kind === 'save-flow' ? 'The flow' : 'The change'),
    async operate(operation) {
      accepted(await asked(commands.operate(operation), 'The request'));
    },
    async trigger(operation) {
      const answered = accepted(await asked(commands.trigger(operation), 'The request'));
      if (answered.kind !== 'trigger') throw new Error('The owner of a trigger answered as another owner does');
      return answered.trigger;
    },
    close: () => commands.close(),
  };
}

async function asked(answer: Promise<CommandOutcome>, what: string): Promise<CommandOutcome> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof NotConfirmedError) {
      throw new HttpError(504, error.message, { members: { code: 'not-confirmed', commandId: error.commandId } });
    }
    if (!(error instanceof QueueError) || error.code !== 'QUEUE_TOO_LARGE') throw error;
    throw new HttpError(
      413,
      `${what} is too large to be stored: at most ${RECORD_LENGTH_MAX} characters; split it, or keep large values in files`,
      { cause: error },
    );
  }
}

/** Passes for an answer that is no refusal. @throws HttpError 422 exists or invalid, 404 unknown, 409 conflict */
function accepted<Outcome extends CommandOutcome>(outcome: Outcome): Exclude<Outcome, { kind: 'refused' }> {
  if (outcome.kind !== 'refused') return outcome as Exclude<Outcome, { kind: 'refused' }>;
  const status = { exists: 422, unknown: 404, conflict: 409, invalid: 422 }[outcome.reason];
  throw new HttpError(status, outcome.message, outcome.faults ? { faults: outcome.faults } : {});
}

/** The resource of an outcome. @throws HttpError 422 exists, 404 unknown, 409 conflict */
export function resourceOf(outcome: CommandOutcome): { readonly resource: Resource; readonly changed: boolean } {
  const answered = accepted(outcome);
  if (answered.kind !== 'done') throw new Error('The owner of a resource answered as the owner of an execution does');
  return answered;
}
