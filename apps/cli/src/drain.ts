import type { Topics } from '@millrace/model';
import type { Queue, Tail } from '@millrace/queue';
import type { Logger, Service } from '@millrace/service';

/** Listens for the command that this process should stop. */
export interface Drain extends Service {
  /** Resolves when somebody asked one of the process's servers to stop. */
  readonly asked: Promise<void>;
}

export interface DrainOptions {
  readonly queue: Queue;
  readonly topics: Topics;
  readonly log: Logger;
  /** Of the servers of this process; who drains one of them drains the process. */
  readonly instances: readonly string[];
}

/**
 * Follows the commands to the servers of this process (`millrace cluster drain`). Started before them, so that none of them can
 * be seen, and drained, before it listens.
 */
export function createDrain({ queue, topics, log, instances }: DrainOptions): Drain {
  let tail: Tail | undefined;
  let ask: () => void = () => undefined;
  const asked = new Promise<void>((resolve) => (ask = resolve));
  return {
    name: 'drain',
    asked,
    failed: new Promise<never>(() => undefined),
    async start() {
      tail = await queue.tail(topics.workerCommands, {
        onRecord({ value }) {
          if (value?.kind !== 'drain' || !instances.includes(value.instance)) return;
          log.info({ instance: value.instance }, 'Drained by command: this server takes no new work and stops');
          ask();
        },
        onError: (error) => log.warn({ error }, 'Commands to this server are no longer heard: stop it with SIGTERM'),
      });
    },
    async stop() {
      tail?.close();
    },
  };
}
