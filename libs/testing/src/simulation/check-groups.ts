import {
  DEFAULT_GROUP,
  isTerminal,
  keyOf,
  WORKER_GROUPS_KEY,
  type JobClaimed,
  type LogRecord,
  type ServiceInstance,
  type TaskRun,
} from '@millrace/model';
import type { Cluster } from './cluster.js';
import { placementsOf, type Placement } from './groups.js';
import type { Observer } from './observer.js';
import { TENANT } from './scenario.js';

/** What an executor sees may be so old, in milliseconds: its copies lag. */
const SEEN_MS = 2_000;
/**
 * So long, in milliseconds, a job may wait beside a worker of its group that has free slots, once nothing is disturbed: an
 * execution that waits looks again every 30 s (decision 0015), and a partition may be without an owner before.
 */
const WAIT_MS = 45_000;
/** After the disturbed time, until servers that died or stood still then are back. */
const SETTLE_MS = 30_000;
const LOOK_MS = 2_000;

const NO_WORKER = /^No worker of the group '(.*)' is running, and the fallback of the worker group is (FAIL|CANCEL)$/;
const NO_GROUP = /^worker group '(.*)' does not exist/;

/** Watches where jobs run, how long they wait, and why tasks were given up. */
export interface GroupWatch {
  /** Executions in which a task was not run because of its group. */
  readonly givenUp: ReadonlySet<string>;
}

interface Waiting {
  readonly key: string;
  readonly taskId: string;
  readonly since: number;
}

export function watchGroups(cluster: Cluster, observer: Observer): GroupWatch {
  const watch = new Watch(cluster, observer);
  const { services, resources, taskRuns } = observer;
  services.onChange(({ key, value }) => watch.service(key, value));
  resources.onChange(({ key, value }) => {
    if (key === WORKER_GROUPS_KEY && value?.kind === 'worker-group') watch.registered(value.group.key);
  });
  taskRuns.onChange(({ key, id, value }) => watch.taskRun(key, id, value));
  observer.onLog((record) => watch.log(record));
  observer.onClaim((event) => watch.claim(event));
  observer.onHeartbeat(({ instance, group = DEFAULT_GROUP }) => watch.belongs(instance, group));
  watch.lookLater();
  return watch;
}

class Watch implements GroupWatch {
  readonly givenUp = new Set<string>();
  readonly #placements: ReadonlyMap<string, ReadonlyMap<string, Placement>>;
  /** Tasks of task runs, also when those are gone. */
  readonly #taskOf = new Map<string, string>();
  readonly #waiting = new Map<string, Waiting>();
  readonly #groupOf = new Map<string, string>();
  readonly #live = new Map<string, Set<string>>();
  /** When the last worker of a group went; undefined while there is one. */
  readonly #deadSince = new Map<string, number | undefined>();
  /** When a worker came to a group that had none. */
  readonly #liveSince = new Map<string, number>();
  readonly #registeredAt = new Map<string, number>([[DEFAULT_GROUP, 0]]);
  /** Workers with free slots, and since when. */
  readonly #freeSince = new Map<string, number>();

  constructor(
    readonly cluster: Cluster,
    readonly observer: Observer,
  ) {
    this.#placements = new Map(cluster.scenario.flows.map(({ id, definition }) => [id, placementsOf(definition)]));
  }

  service(instance: string, service: ServiceInstance | null): void {
    if (service !== null && service.role !== 'worker') return;
    const now = this.cluster.clock.now();
    const { state, freeSlots = 0 } = service ?? { state: 'NOT_RUNNING' };
    const group = service?.group ?? this.#groupOf.get(instance) ?? DEFAULT_GROUP;
    const live = this.#live.get(group) ?? new Set();
    this.#live.set(group, live);
    const wasLive = live.size > 0;
    if (state === 'RUNNING') live.add(instance);
    else live.delete(instance);
    if (!wasLive && live.size > 0) this.#liveSince.set(group, now);
    if (wasLive && live.size === 0) this.#deadSince.set(group, now);
    if (!live.has(instance) || freeSlots === 0) this.#freeSince.delete(instance);
    else if (!this.#freeSince.has(instance)) this.#freeSince.set(instance, now);
  }

  belongs(instance: string, group: string): void {
    this.#groupOf.set(instance, group);
  }

  registered(group: string): void {
    if (!this.#registeredAt.has(group)) this.#registeredAt.set(group, this.cluster.clock.now());
  }

  taskRun(key: string, id: string, run: TaskRun | null): void {
    if (run === null) return void this.#waiting.delete(id);
    this.#taskOf.set(id, run.taskId);
    const waits =
      !isTerminal(run.state) &&
      run.claim === undefined &&
      (run.state === 'SUBMITTED' || run.evaluating === true || run.awaitsWorker === true);
    if (!waits) return void this.#waiting.delete(id);
    if (this.#waiting.has(id)) return;
    this.#waiting.set(id, { key, taskId: run.taskId, since: this.cluster.clock.now() });
  }

  #groupIn(key: string, taskId: string): string {
    const head = this.observer.executions.get(key, 'head');
    const placement = head?.kind === 'head' ? this.#placements.get(head.flowId)?.get(taskId) : undefined;
    return placement?.group ?? DEFAULT_GROUP;
  }

  claim({ tenant, executionId, taskRunId, instance }: JobClaimed): void {
    const wanted = this.#groupIn(keyOf(tenant, executionId), this.#taskOf.get(taskRunId) ?? '');
    const taken = this.#groupOf.get(instance);
    if (taken !== wanted)
      this.cluster.violation(
        `A job of ${taskRunId} for '${wanted}' was taken by ${instance} of '${taken ?? 'nobody'}'`,
      );
  }

  log({ value: entry }: { readonly value: LogRecord | null }): void {
    if (entry === null || !('message' in entry) || entry.taskRunId === undefined) return;
    const [noWorker, noGroup] = [NO_WORKER.exec(entry.message), NO_GROUP.exec(entry.message)];
    const name = `${entry.executionId} ${entry.taskId ?? ''}`;
    const placement = this.#placements.get(entry.flowId)?.get(entry.taskId ?? '');
    const { group, fallback } = placement ?? { group: DEFAULT_GROUP, fallback: 'WAIT' };
    if (noWorker) {
      this.cluster.disturbances.givenUp++;
      this.givenUp.add(keyOf(TENANT, entry.executionId));
      if (noWorker[1] !== group || noWorker[2] !== fallback)
        this.cluster.violation(`${name} wants '${group}' or ${fallback}, and was told: ${entry.message}`);
      if (!this.#wasDead(group, entry.timestamp))
        this.cluster.violation(`${name} was given up, though a worker of '${group}' was live all the time`);
    }
    if (noGroup) {
      this.givenUp.add(keyOf(TENANT, entry.executionId));
      const registeredAt = this.#registeredAt.get(group) ?? Infinity;
      if (noGroup[1] !== group || registeredAt < entry.timestamp - SEEN_MS)
        this.cluster.violation(`${name} was told, though '${group}' was registered: ${entry.message}`);
    }
  }

  /** Whether the group had no worker at some moment that an executor may have seen then. */
  #wasDead(group: string, at: number): boolean {
    if ((this.#live.get(group)?.size ?? 0) === 0) return true;
    // Before the first one came, and between the last two, if that is not long ago.
    return (
      (this.#liveSince.get(group) ?? Infinity) >= at - SEEN_MS || (this.#deadSince.get(group) ?? 0) >= at - SEEN_MS
    );
  }

  lookLater(): void {
    const { clock, calmFrom } = this.cluster;
    clock.after(LOOK_MS, () => {
      if (this.cluster.isOver()) return;
      if (clock.now() > calmFrom + SETTLE_MS) this.#look(calmFrom + SETTLE_MS);
      this.lookLater();
    });
  }

  #look(from: number): void {
    const now = this.cluster.clock.now();
    for (const [id, { key, taskId, since }] of this.#waiting) {
      const group = this.#groupIn(key, taskId);
      for (const [instance, freeSince] of this.#freeSince) {
        if (this.#groupOf.get(instance) !== group || now - Math.max(since, freeSince, from) <= WAIT_MS) continue;
        this.cluster.violation(
          `A job of ${key} ${taskId} waits since ${since}, though ${instance} of '${group}' has free slots`,
        );
        this.#waiting.delete(id);
        break;
      }
    }
  }
}
