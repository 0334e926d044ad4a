import { hostname } from 'node:os';
import { EXECUTION_FORMAT, LIVENESS, outgoing, type Role, type ServiceInstance, type Topics } from '@millrace/model';
import type { Queue } from '@millrace/queue';
import type { ServiceContext } from './contract.js';

/** What an instance tells about itself with each heartbeat. */
export type ServiceDescription = Pick<ServiceInstance, 'state' | 'group' | 'slots' | 'freeSlots' | 'partitions'> & {
  readonly role: Role;
};

export interface HeartbeatOptions {
  readonly queue: Pick<Queue, 'publish'>;
  readonly topics: Topics;
  readonly context: ServiceContext;
  describe(): ServiceDescription;
  /** No heartbeat was acknowledged for the time of the lease: take no new work. */
  onLeaseLost?(): void;
  /** Nor for the grace after it: stop what is running; others may already do it again. */
  onLeaseOverdue?(): void;
  /** A heartbeat was acknowledged again. */
  onLeaseRegained?(): void;
}

export interface Heartbeat {
  /** True as long as a heartbeat was acknowledged within the time of the lease. */
  readonly leaseHeld: boolean;
  /** Publishes one now, so that a change is known at once. Rejects when the queue does. */
  beat(): Promise<void>;
  /** Publishes the last one (`describe` tells the final state) and ends. Its failure is logged. */
  stop(): Promise<void>;
}

/**
 * Publishes a heartbeat every 2 s and watches the instance's own lease: it is counted from when an acknowledged
 * heartbeat was sent, so this instance never thinks itself alive longer than others do.
 * @returns when the first heartbeat is acknowledged; rejects when the queue refuses it
 */
export async function startHeartbeat(options: HeartbeatOptions): Promise<Heartbeat> {
  const { queue, topics, context, describe } = options;
  const { clock } = context;
  const startedAt = clock.now();
  const host = hostname();
  let leaseHeld = true;
  let stopped = false;
  let cancelBeat: () => void = () => undefined;
  let cancelLease: () => void = () => undefined;

  async function beat(): Promise<void> {
    const sentAt = clock.now();
    const service: ServiceInstance = {
      ...describe(),
      instance: context.instance,
      host,
      startedAt,
      heartbeatAt: sentAt,
      format: EXECUTION_FORMAT,
    };
    await queue.publish([
      outgoing({ topic: topics.serviceEvents, key: context.instance, value: { kind: 'heartbeat', service } }),
    ]);
    acknowledged(clock.now() - sentAt);
  }

  function acknowledged(afterMs: number): void {
    cancelLease();
    if (stopped) return;
    cancelLease = clock.after(Math.max(0, LIVENESS.leaseMs - afterMs), lost);
    if (leaseHeld) return;
    leaseHeld = true;
    options.onLeaseRegained?.();
  }

  function lost(): void {
    leaseHeld = false;
    context.log.error(
      { leaseMs: LIVENESS.leaseMs },
      'No heartbeat could be published: this server takes no new work until the queue answers',
    );
    options.onLeaseLost?.();
    cancelLease = clock.after(LIVENESS.graceMs, () => options.onLeaseOverdue?.());
  }

  async function beatAndGoOn(): Promise<void> {
    try {
      await beat();
    } catch (error) {
      context.log.warn({ error }, 'A heartbeat could not be published; trying again');
    }
    if (!stopped) cancelBeat = clock.after(LIVENESS.heartbeatMs, () => void beatAndGoOn());
  }

  await beat();
  cancelBeat = clock.after(LIVENESS.heartbeatMs, () => void beatAndGoOn());
  return {
    get leaseHeld() {
      return leaseHeld;
    },
    beat,
    async stop() {
      stopped = true;
      cancelBeat();
      cancelLease();
      await beat().catch((error: unknown) => context.log.warn({ error }, 'The last heartbeat could not be published'));
    },
  };
}
