/// <reference path="./kafkajs-protocol.d.ts" />
import type { ClusterState } from '@millrace/model';
import { AssignerProtocol } from 'kafkajs';
import type { ProtocolBroker } from 'kafkajs/src/cluster/index.js';
import type { QueueError } from '../contract.js';
import { closedError } from '../shell/failure.js';
import { waitForBroker } from './broker-time.js';
import type { Connections, Wire } from './connections.js';
import { asQueueError, kafkaError } from './failure.js';
import type { KafkaGroupTimes, KafkaLog } from './options.js';
import { shareOut, type Member } from './share-out.js';

const PROTOCOL = 'millrace-sticky';
/** Heartbeats for each session. */
const BEATS = 4;
const BEAT_LONGEST_MS = 1_000;
const REJOIN = new Set([
  'REBALANCE_IN_PROGRESS',
  'ILLEGAL_GENERATION',
  'UNKNOWN_MEMBER_ID',
  'NOT_COORDINATOR_FOR_GROUP',
]);
const FORGOTTEN = new Set(['ILLEGAL_GENERATION', 'UNKNOWN_MEMBER_ID']);
const LOUD_FAILURES = 5;

export interface MembershipOptions {
  readonly connections: Connections;
  readonly group: string;
  /** Kafka's name. */
  readonly topic: string;
  readonly partitions: number;
  /** Of a topic that may get more partitions: then the group is distributed anew. */
  readonly cluster?: ClusterState;
  readonly times: KafkaGroupTimes;
  readonly log: KafkaLog;
  /** Before each heartbeat and each joining; a promise holds it up (faults of the contract suite). */
  beforeBeat?(): void | Promise<void>;
  /**
   * The group is about to be distributed anew: what was done in the partitions can still be stored. The group waits for it,
   * so it must be quick.
   */
  onRebalance?(): Promise<void>;
  /** The partitions that are this member's now; called after each distribution, also when nothing changed. */
  onAssigned(partitions: readonly number[]): void;
  /** It cannot go on: a right is missing. */
  onFailure(failure: unknown): void;
}

/** What became of the first try to join. */
interface FirstJoin {
  joined(): void;
  refused(reason: QueueError): void;
}

/**
 * Membership in a consumer group, and nothing else: who has which partitions. Reading goes on while the group distributes
 * its partitions anew, so a member that keeps a partition does not stop; that two members write is prevented by fencing,
 * not by the group.
 */
export class Membership {
  readonly #options: MembershipOptions;
  readonly #wire: Wire;
  readonly #running: Promise<void>;
  readonly #joined: Promise<void>;
  #coordinator: ProtocolBroker | undefined;
  #memberId = '';
  #generation = -1;
  #partitions: readonly number[] = [];
  #lastAnswer = 0;
  #closed = false;
  #isJoining = true;
  #hasGrown = false;
  readonly #stopGrowth: (() => void) | undefined;
  #wakeUp: () => void = () => undefined;

  private constructor(options: MembershipOptions, wire: Wire) {
    this.#options = options;
    this.#wire = wire;
    // Whoever leads the group must know of the partitions before it distributes them: each joins anew when it does.
    this.#stopGrowth = options.cluster?.onGrowth(() => {
      this.#hasGrown = true;
      this.#wakeUp();
    });
    let settle: FirstJoin = { joined: () => undefined, refused: () => undefined };
    const first = new Promise<void>((joined, refused) => (settle = { joined, refused }));
    this.#running = this.#run(settle);
    const ended = this.#running.then(() => {
      throw closedError();
    });
    this.#joined = Promise.race([first, ended]);
    this.#joined.catch(() => undefined);
  }

  /**
   * Resolves when the group has given its first distribution to this member.
   * @throws QueueError QUEUE_UNAVAILABLE; QUEUE_MISMATCH when the brokers will never let it in; QUEUE_CLOSED when the
   *   connections were severed meanwhile
   */
  static async join(options: MembershipOptions): Promise<Membership> {
    const wire = await options.connections.open().catch((thrown: unknown) => {
      throw asQueueError(thrown, `The group '${options.group}' cannot be joined`, options.connections.brokers);
    });
    const membership = new Membership(options, wire);
    try {
      await membership.#joined;
    } catch (thrown) {
      await membership.close();
      throw thrown;
    }
    return membership;
  }

  /** True when the group has confirmed within the session that this member has its partitions. */
  get isCurrent(): boolean {
    return this.#generation >= 0 && Date.now() - this.#lastAnswer < this.#options.times.sessionTimeoutMs;
  }

  get partitions(): readonly number[] {
    return this.#partitions;
  }

  /** The offsets that the group has stored for these partitions; -1 for none. @throws QueueError */
  async committed(partitions: readonly number[]): Promise<ReadonlyMap<number, number>> {
    const { group, topic, connections } = this.#options;
    try {
      const coordinator = await this.#wire.coordinator('group', group);
      const { responses } = await coordinator.offsetFetch({
        groupId: group,
        topics: [{ topic, partitions: partitions.map((partition) => ({ partition })) }],
      });
      const found = responses.flatMap((response) => response.partitions);
      return new Map(found.map(({ partition, offset }) => [partition, Number(offset)]));
    } catch (thrown) {
      throw asQueueError(thrown, `The offsets of the group '${group}' cannot be read`, connections.brokers);
    }
  }

  /**
   * Stores where reading goes on; refused, without an error, when the group has distributed anew meanwhile.
   * @throws QueueError QUEUE_UNAVAILABLE
   */
  async commit(offsets: ReadonlyMap<number, number>): Promise<boolean> {
    const { group, topic, connections } = this.#options;
    if (this.#coordinator === undefined || offsets.size === 0) return false;
    try {
      await this.#coordinator.offsetCommit({
        groupId: group,
        groupGenerationId: this.#generation,
        memberId: this.#memberId,
        topics: [
          {
            topic,
            partitions: [...offsets].map(([partition, offset]) => ({ partition, offset: String(offset) })),
          },
        ],
      });
      return true;
    } catch (thrown) {
      if (REJOIN.has(kafkaError(thrown) ?? '')) return false;
      throw asQueueError(thrown, `The offsets of the group '${group}' cannot be stored`, connections.brokers);
    }
  }

  /** Leaves, so that the others need not wait for the session to end. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#stopGrowth?.();
    this.#wakeUp();
    // A distribution under way may keep the broker's answer back for the whole rebalance time.
    if (this.#isJoining) this.#wire.break('The member was closed while it joined its group');
    await this.#running;
    await this.#wire.close().catch(() => undefined);
  }

  /** Closed, or without connections for good. */
  get #isOver(): boolean {
    return this.#closed || this.#options.connections.isSevered;
  }

  async #run({ joined, refused }: FirstJoin): Promise<void> {
    const { connections, group, log, onFailure } = this.#options;
    for (let failures = 0; !this.#isOver;) {
      try {
        await this.#options.beforeBeat?.();
        await this.#joinGroup();
        this.#isJoining = false;
        joined();
        failures = 0;
        await this.#beat();
        // It joins anew: the partitions have become more.
        this.#isJoining = !this.#isOver;
      } catch (thrown) {
        if (this.#isOver) break;
        this.#isJoining = true;
        if (FORGOTTEN.has(kafkaError(thrown) ?? '')) this.#memberId = '';
        if (kafkaError(thrown) === 'REBALANCE_IN_PROGRESS') await this.#options.onRebalance?.();
        if (REJOIN.has(kafkaError(thrown) ?? '') && failures++ < 3) continue;
        const failure = asQueueError(thrown, `The group '${group}' cannot be reached`, connections.brokers);
        if (!failure.retryable) {
          refused(failure);
          return onFailure(failure);
        }
        if (failures === LOUD_FAILURES)
          log.warn({ group, reason: failure.message }, 'A consumer group cannot be reached; trying again');
        await waitForBroker(failures++);
        await this.#wire.recover(thrown);
      }
    }
    await this.#leave();
  }

  async #joinGroup(): Promise<void> {
    const { group, topic, times, onAssigned } = this.#options;
    this.#hasGrown = false;
    await this.#wire.know([topic]);
    const coordinator = await this.#wire.coordinator('group', group);
    const { MemberMetadata, MemberAssignment } = AssignerProtocol;
    const userData = Buffer.from(JSON.stringify({ owned: this.#partitions }));
    const metadata = MemberMetadata.encode({ version: 0, topics: [topic], userData });
    // What `close` breaks may have been one of the look-ups, which the client repeats by itself.
    if (this.#isOver) throw closedError();
    const joined = await coordinator.joinGroup({
      groupId: group,
      sessionTimeout: times.sessionTimeoutMs,
      rebalanceTimeout: times.rebalanceTimeoutMs,
      memberId: this.#memberId,
      groupProtocols: [{ name: PROTOCOL, metadata }],
    });
    this.#memberId = joined.memberId;
    const isLeader = joined.memberId === joined.leaderId;
    const { memberAssignment } = await coordinator.syncGroup({
      groupId: group,
      generationId: joined.generationId,
      memberId: joined.memberId,
      groupAssignment: isLeader ? this.#distribution(joined.members) : [],
    });
    const partitions = MemberAssignment.decode(memberAssignment)?.assignment[topic] ?? [];
    this.#coordinator = coordinator;
    this.#generation = joined.generationId;
    this.#lastAnswer = Date.now();
    this.#partitions = partitions;
    onAssigned(partitions);
  }

  /** The leader of the group decides for all. */
  #distribution(members: readonly { readonly memberId: string; readonly memberMetadata: Buffer }[]) {
    const { topic, cluster } = this.#options;
    const partitions = cluster?.partitions ?? this.#options.partitions;
    const { MemberMetadata, MemberAssignment } = AssignerProtocol;
    const asked = members.map(({ memberId, memberMetadata }): Member => {
      const userData = MemberMetadata.decode(memberMetadata)?.userData;
      return { id: memberId, owned: ownedOf(userData) };
    });
    return [...shareOut(asked, partitions)].map(([memberId, share]) => ({
      memberId,
      memberAssignment: MemberAssignment.encode({
        version: 0,
        assignment: { [topic]: [...share] },
        userData: Buffer.alloc(0),
      }),
    }));
  }

  /** Until the group distributes anew, which is thrown, or there are more partitions to be distributed. */
  async #beat(): Promise<void> {
    const { group, times, beforeBeat } = this.#options;
    const every = Math.min(BEAT_LONGEST_MS, times.sessionTimeoutMs / BEATS);
    while (!this.#closed && !this.#hasGrown) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, every);
        timer.unref();
        this.#wakeUp = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      if (this.#closed || this.#hasGrown) return;
      await beforeBeat?.();
      await this.#coordinator?.heartbeat({
        groupId: group,
        groupGenerationId: this.#generation,
        memberId: this.#memberId,
      });
      this.#lastAnswer = Date.now();
    }
  }

  async #leave(): Promise<void> {
    try {
      if (this.#memberId !== '')
        await this.#coordinator?.leaveGroup({ groupId: this.#options.group, memberId: this.#memberId });
    } catch (thrown) {
      this.#options.log.debug(
        { reason: String(thrown) },
        'A group was not told that this member leaves; it will notice',
      );
    }
  }
}

function ownedOf(userData: Buffer | undefined): readonly number[] {
  try {
    const told: unknown = JSON.parse(userData?.toString('utf8') ?? '');
    if (typeof told !== 'object' || told === null || !('owned' in told) || !Array.isArray(told.owned)) return [];
    return told.owned.filter((partition): partition is number => Number.isInteger(partition));
  } catch {
    // A member of another version tells nothing of what it has; it gets its share all the same.
    return [];
  }
}
