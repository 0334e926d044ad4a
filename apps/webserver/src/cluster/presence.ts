import type { Resource, ServiceInstance, Topics } from '@millrace/model';
import type { Queue, View } from '@millrace/queue';
import { followMaintenance } from '@millrace/resources';
import { startHeartbeat, type Heartbeat, type ServiceContext } from '@millrace/service';

/** The webserver among the servers of the installation. */
export interface Presence {
  /** Others see that it stops. */
  stopping(): void;
  /** It has ended; nobody takes it for lost. */
  stopped(): Promise<void>;
}

export interface PresenceOptions {
  readonly context: ServiceContext;
  readonly queue: Queue;
  readonly topics: Topics;
  readonly resources: View<Resource>;
}

/** Tells of this webserver with heartbeats, until it is stopped. */
export async function announce({ context, queue, topics, resources }: PresenceOptions): Promise<Presence> {
  let state: ServiceInstance['state'] = 'RUNNING';
  let heartbeat: Heartbeat | undefined;
  const unfollow = followMaintenance(resources, (active) => {
    state = active ? 'MAINTENANCE' : 'RUNNING';
    heartbeat?.beatSoon();
  });
  const started = await startHeartbeat({ queue, topics, context, describe: () => ({ role: 'webserver', state }) });
  heartbeat = started;
  return {
    stopping() {
      unfollow();
      state = 'TERMINATING';
      started.beatSoon();
    },
    async stopped() {
      unfollow();
      state = 'TERMINATED_GRACEFULLY';
      await started.stop();
    },
  };
}
