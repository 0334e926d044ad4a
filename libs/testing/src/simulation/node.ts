import type { Instant } from '@millrace/model';
import { createMemoryQueue, type MemoryQueue } from '@millrace/queue/memory';
import { isCalm, type Cluster } from './cluster.js';
import { disturb } from './disturbance.js';
import { formatAtStart } from './levels.js';

/** One process: from its start to its end. */
export interface Life {
  /** Never used again. */
  readonly instance: string;
  readonly queue: MemoryQueue;
  isOver: boolean;
  /** The highest format that its version reads. */
  readonly format: number;
  /** Until then the process stands still: nothing that it writes arrives. */
  frozenUntil: Instant;
  /** Called when told to stop, before its queue is closed. */
  beforeStop: () => Promise<void>;
}

/** What a process does; resolves when it is up. A rejection is a process that could not start. */
export type Boot = (life: Life, node: SimulatedNode) => Promise<void>;

/** A server of the cluster: a place in which one process runs after the other. */
export class SimulatedNode {
  #life: Life | undefined;
  #started = 0;
  #awayUntil: Instant = 0;
  readonly #random;

  constructor(
    readonly cluster: Cluster,
    readonly name: string,
    readonly boot: Boot,
  ) {
    this.#random = cluster.random(`node ${name}`);
  }

  get life(): Life | undefined {
    return this.#life;
  }

  start(): void {
    const { clock, store, leaseMs, trace } = this.cluster;
    if (this.cluster.isOver()) return;
    const instance = `${this.name}#${++this.#started}`;
    const faults = disturb(this.cluster, this.name, instance, {
      frozenUntil: () => life.frozenUntil,
      kill: (why) => this.kill(life, why),
      freeze: (ms) => this.freeze(ms),
    });
    const life: Life = {
      instance,
      queue: createMemoryQueue({ clock, store, leaseMs, faults }),
      isOver: false,
      format: formatAtStart(this.cluster, this.name),
      frozenUntil: 0,
      beforeStop: () => Promise.resolve(),
    };
    this.#life = life;
    trace.line(`${instance} starts as ${life.queue.instance}`);
    this.boot(life, this).catch((error: unknown) => this.kill(life, `could not start: ${String(error)}`));
  }

  /** The process is gone from one moment to the next; another one starts after a while. */
  kill(life: Life | undefined, why: string): void {
    if (life === undefined || life.isOver) return;
    this.cluster.disturbances.kills++;
    this.cluster.trace.line(`${life.instance} is killed: ${why}`);
    this.#end(life);
    life.queue.kill();
  }

  /** The process is told to stop and does so in order; another one starts after a while. */
  async stop(why: string): Promise<void> {
    const life = this.#life;
    if (life === undefined || life.isOver) return;
    this.cluster.disturbances.stops++;
    this.cluster.trace.line(`${life.instance} stops: ${why}`);
    try {
      await life.beforeStop();
      if (life.isOver) return;
      await life.queue.close();
    } catch {
      // A process that cannot stop in order is gone all the same; what it left is for the others to notice.
      life.queue.kill();
    }
    if (!life.isOver) this.#end(life);
  }

  /** The process stands still, and goes on later as if nothing had been. */
  freeze(ms: number): void {
    if (this.#life === undefined || isCalm(this.cluster)) return;
    this.cluster.disturbances.stalls++;
    this.cluster.trace.line(`${this.#life.instance} stands still for ${ms} ms`);
    this.#life.frozenUntil = this.cluster.clock.now() + ms;
  }

  /** Whatever ends the process: the next one does not start before so many milliseconds. */
  stayAway(ms: number): void {
    this.#awayUntil = this.cluster.clock.now() + ms;
  }

  #end(life: Life): void {
    const { clock } = this.cluster;
    life.isOver = true;
    this.#life = undefined;
    clock.after(Math.max(this.#random.between(100, 5_000), this.#awayUntil - clock.now()), () => this.start());
  }
}
