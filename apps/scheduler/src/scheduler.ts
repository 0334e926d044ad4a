import type { ServiceInstance, Topics } from '@millrace/model';
import type { Queue } from '@millrace/queue';
import { startHeartbeat, type Heartbeat, type Service, type ServiceContext } from '@millrace/service';

export interface SchedulerOptions {
  readonly context: ServiceContext;
  readonly queue: Queue;
  readonly topics: Topics;
}

/**
 * The server of triggers. Flows have no triggers that run yet: it takes part in the cluster and does nothing else, so that
 * an installation can be laid out with all its servers.
 */
export function createScheduler({ context, queue, topics }: SchedulerOptions): Service {
  let heartbeat: Heartbeat | undefined;
  let state: ServiceInstance['state'] = 'RUNNING';
  return {
    name: 'scheduler',
    failed: new Promise<never>(() => undefined),
    async start() {
      heartbeat = await startHeartbeat({
        queue,
        topics,
        context,
        describe: () => ({ role: 'scheduler', state }),
      });
    },
    async stop() {
      // Else it would be taken for lost when its lease is over.
      state = 'TERMINATED_GRACEFULLY';
      await heartbeat?.stop();
    },
  };
}
