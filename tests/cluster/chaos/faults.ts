import type { Cluster, Member } from '../../product/cluster.js';
import { ROLES, type Role } from '../../product/roles.js';
import { pause } from '../../product/workload.js';

/** Something that was done to the cluster. */
export interface Fault {
  /** A role of servers, `broker` or `elasticsearch`. */
  readonly what: Role | 'broker' | 'elasticsearch';
  readonly name: string;
  readonly how: 'killed' | 'frozen' | 'stopped';
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** When it ran again. */
  until: number;
}

/** Longer than the session of an executor, a scheduler or an indexer (3 s), and than the lease and grace of a worker (10 s). */
const FROZEN_MS: Readonly<Record<Role, number>> = {
  executor: 6_000,
  worker: 13_000,
  scheduler: 6_000,
  indexer: 6_000,
  webserver: 3_000,
};
const FREEZES = 0.25;
/** A worker that was given up has heard of it and ended. */
const GIVEN_UP_MS = 20_000;
const STARTS_MAX = 3;

const endsWithin = (member: Member, ms: number): Promise<boolean> =>
  Promise.race([member.ended.then(() => true), pause(ms).then(() => false)]);

export interface FaultsOptions {
  readonly cluster: Cluster;
  readonly random: () => number;
  /** Between two faults; drawn between half of it and one and a half times it. */
  readonly everyMs: number;
  /** True: some job was lost so often that another loss would rightly fail it. */
  readonly sparesWorkers: () => boolean;
  /** Is told of each fault, before it happens. */
  readonly onFault: (fault: Fault) => void;
  /** Is told of a server that ended before it was ready. */
  readonly onFailedStart: (name: string, error: unknown) => void;
}

/** Kills and freezes servers in turn until it is stopped; at most one of a role at a time. */
export class ServerFaults {
  readonly faults: Fault[] = [];
  readonly #busy = new Map<Role, Promise<void>>();
  readonly #looping: Promise<void>;
  #stopped = false;
  /** What could not be started again. */
  #failure: unknown;

  constructor(private readonly options: FaultsOptions) {
    this.#looping = this.#loop();
  }

  async #loop(): Promise<void> {
    const { random, everyMs } = this.options;
    while (!this.#stopped) {
      await pause(everyMs * (0.5 + random()));
      const member = this.#choose();
      if (this.#stopped || member === undefined) continue;
      const busy = this.#disturb(member, random() < FREEZES)
        .catch((error: unknown) => (this.#failure ??= error))
        .then(() => void this.#busy.delete(member.role));
      this.#busy.set(member.role, busy);
    }
  }

  #choose(): Member | undefined {
    const { cluster, random, sparesWorkers } = this.options;
    const draw = <Value>(from: readonly Value[]): Value | undefined => from[Math.floor(random() * from.length)];
    const canBe = (role: Role): boolean =>
      cluster.of(role).length > 0 && !this.#busy.has(role) && !(role === 'worker' && sparesWorkers());
    const role = draw(ROLES.filter(canBe));
    return role === undefined ? undefined : draw(cluster.of(role));
  }

  async #disturb(member: Member, freezes: boolean): Promise<void> {
    const at = Date.now();
    const how = freezes ? 'frozen' : 'killed';
    const fault: Fault = { what: member.role, name: member.name, how, at, until: Infinity };
    this.faults.push(fault);
    this.options.onFault(fault);
    if (!freezes) {
      await this.#replace(member);
    } else {
      member.freeze();
      await pause(FROZEN_MS[member.role]);
      member.thaw();
      // A worker that was given up must not go on under its old name: it ends. It may not have been, when whoever gives up was
      // killed meanwhile.
      if (member.role === 'worker' && (await endsWithin(member, GIVEN_UP_MS))) await this.#start(member);
    }
    fault.until = Date.now();
  }

  async #replace(member: Member): Promise<void> {
    await member.kill();
    await this.#start(member);
  }

  /** As what supervises servers does: one that ended while it started is started again, and that is told. */
  async #start(member: Member): Promise<void> {
    for (let tries = 1; ; tries++) {
      try {
        return await member.start();
      } catch (error) {
        if (tries === STARTS_MAX) throw error;
        this.options.onFailedStart(member.name, error);
        await pause(1_000);
      }
    }
  }

  /** Resolves when every server runs again. @throws Error when one could not be started */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#looping;
    await Promise.all(this.#busy.values());
    if (this.#failure !== undefined) throw this.#failure;
  }
}
