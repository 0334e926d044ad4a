import type { Topics, WorkerCommand } from '@millrace/model';
import type { Queue, Tail } from '@millrace/queue';
import type { Logger } from '@millrace/service';
import type { Attempt } from './attempt.js';

/** True when a kill means this attempt; without a token it means whoever runs it. */
export function means(command: Extract<WorkerCommand, { kind: 'kill-job' }>, { taken }: Attempt): boolean {
  const { job, token } = taken;
  return (
    command.tenant === job.tenant &&
    command.executionId === job.executionId &&
    command.taskRunId === job.taskRunId &&
    command.attempt === job.attempt &&
    (command.token === undefined || command.token === token)
  );
}

export interface CommandsOptions {
  readonly queue: Pick<Queue, 'tail'>;
  readonly topics: Topics;
  readonly log: Logger;
  /** The worker's instance and its group. */
  readonly keys: readonly string[];
  onCommand(command: WorkerCommand): void;
  /** The commands can no longer be followed: kills would go unheard. */
  onLost(error: unknown): void;
}

/** Follows the commands for this worker; positioned when it resolves. */
export async function followCommands(options: CommandsOptions): Promise<Pick<Tail, 'close'>> {
  let closed = false;
  const tails = new Map<string, Tail>();

  async function open(key: string): Promise<void> {
    const tail = await options.queue.tail(options.topics.workerCommands, {
      key,
      onRecord: ({ value }) => {
        if (value) options.onCommand(value);
      },
      onError: (error) => void reopen(key, error),
    });
    if (closed) tail.close();
    else tails.set(key, tail);
  }

  /** What came in between is lost; an unconfirmed kill is repeated by the executor. */
  async function reopen(key: string, cause: unknown): Promise<void> {
    if (closed) return;
    options.log.warn({ error: cause, key }, 'The commands for this worker were interrupted; following them again');
    try {
      await open(key);
    } catch (error) {
      options.onLost(error);
    }
  }

  for (const key of new Set(options.keys)) await open(key);
  return {
    close() {
      closed = true;
      for (const tail of tails.values()) tail.close();
    },
  };
}
