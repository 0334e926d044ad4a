import type { Instant } from '@millrace/model';
import { QueueError } from '@millrace/queue';
import type { Faults, Write } from '@millrace/queue/memory';
import { isCalm, isFragile, type Cluster } from './cluster.js';

/** How likely what is, for each write during the disturbed time. */
const CHANCE = {
  killBefore: 0.006,
  killAfter: 0.006,
  lostWrite: 0.01,
  lostAnswer: 0.015,
  stall: 0.004,
  copies: 0.08,
  repeatJob: 0.08,
} as const;

/** The process whose writes are disturbed. */
export interface Disturbed {
  frozenUntil(): Instant;
  /** Absent for processes that are never killed. */
  kill?(why: string): void;
  freeze?(ms: number): void;
}

const unavailable = (what: string): QueueError => new QueueError('QUEUE_UNAVAILABLE', `Simulated: ${what}`, true);

const describe = ({ kind, processor, partition, topics }: Write): string =>
  [kind, processor, partition, ...topics].filter((part) => part !== undefined).join(' ');

/** Faults for one process; each write also takes its time, so that the order of everything follows from the seed. */
export function disturb(cluster: Cluster, name: string, instance: string, process: Disturbed): Faults {
  const { clock, trace, disturbances } = cluster;
  const random = cluster.random(`faults ${instance}`);
  /** Commits on their way, by processor and partition. */
  const committing = new Set<string>();

  /** Whoever takes a partition anew while its commit never came back had been refused. */
  function countFenced({ kind, processor, partition }: Write): void {
    const owned = `${processor} ${partition}`;
    if (kind === 'lease' && committing.delete(owned)) disturbances.fenced++;
    if (kind === 'commit') committing.add(owned);
  }

  function countFruitless({ kind, processor, partition }: Write): void {
    const owned = `${processor} ${partition}`;
    if (kind === 'commit') cluster.fruitless.delete(owned);
    if (kind === 'tries') cluster.fruitless.set(owned, (cluster.fruitless.get(owned) ?? 0) + 1);
  }

  const mayDie = (): boolean => !isCalm(cluster) && !isFragile(cluster);

  /** The way to the store and back, and however long the process stands still. */
  function way(): Promise<void> | undefined {
    const wait = Math.max(random.chance(0.5) ? random.between(1, 8) : 0, process.frozenUntil() - clock.now());
    if (wait <= 0) return undefined;
    return new Promise((resolve) => void clock.after(wait, resolve));
  }

  return {
    before(write) {
      trace.line(`${instance} ${describe(write)}`);
      if (!isCalm(cluster)) {
        const counted = write.kind === 'commit' || write.kind === 'publish' || write.kind === 'take-jobs';
        if (counted && process.kill && mayDie() && random.chance(CHANCE.killBefore)) {
          process.kill(`before ${describe(write)}`);
          throw unavailable('the process is gone');
        }
        if (counted && process.freeze && mayDie() && random.chance(CHANCE.stall)) {
          process.freeze(random.between(3_500, name.startsWith('worker') ? 20_000 : 9_000));
        }
        if (random.chance(CHANCE.lostWrite)) {
          disturbances.lostWrites++;
          trace.line(`${instance} loses it on the way`);
          throw unavailable('the write was lost');
        }
      }
      countFenced(write);
      return way();
    },
    after(write) {
      countFruitless(write);
      if (write.kind === 'commit') committing.delete(`${write.processor} ${write.partition}`);
      if (!isCalm(cluster)) {
        if (process.kill && mayDie() && random.chance(CHANCE.killAfter)) {
          process.kill(`after ${describe(write)}`);
          throw unavailable('the process is gone');
        }
        if (random.chance(CHANCE.lostAnswer)) {
          disturbances.lostAnswers++;
          trace.line(`${instance} gets no answer to ${describe(write)}`);
          throw unavailable('the answer was lost');
        }
      }
      return way();
    },
    copies() {
      if (isCalm(cluster) || !random.chance(CHANCE.copies)) return 1;
      disturbances.duplicates++;
      return 2;
    },
    repeatJob() {
      if (isCalm(cluster) || !random.chance(CHANCE.repeatJob)) return false;
      disturbances.doubledJobs++;
      return true;
    },
  };
}
