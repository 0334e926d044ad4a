/// <reference path="./kafkajs-protocol.d.ts" />
import type { ProtocolBroker } from 'kafkajs/src/cluster/index.js';
import { QueueError } from '../contract.js';
import { delay, waitForBroker } from './broker-time.js';
import type { Connections, Wire } from './connections.js';
import { asQueueError, isFenced, kafkaError } from './failure.js';
import { SequencedProducer, type PartitionBatch, type Written } from './producer.js';

/**
 * A dead owner's open transaction holds up readers until its successor has fenced it, and without a successor for so long
 * (protocols.md part 2.1).
 */
const TRANSACTION_TIMEOUT_MS = 5_000;
/** The markers of the last transaction are still being written: the broker is asked again so soon (kafka.md part 0). */
const MARKERS_WAIT_MS = 1;
const MARKERS_TRIES = 5_000;
const FENCE_TRIES = 20;
/** The coordinator moves, or loads what it must know. */
const MOVING = new Set(['NOT_COORDINATOR_FOR_GROUP', 'GROUP_COORDINATOR_NOT_AVAILABLE', 'GROUP_LOAD_IN_PROGRESS']);

/**
 * The only writer of a partition: whoever begins with the same id fences the one before, whose open transaction is undone.
 * One transaction at a time. After any failure nobody but a new producer knows what became of the last one: begin anew.
 */
export class TransactionalProducer {
  readonly #wire: Wire;
  readonly #brokers: string;
  readonly #transactionalId: string;
  readonly #producer: SequencedProducer;
  /** Looked up once: when it moves, the transaction fails, and the next producer looks again. */
  readonly #coordinator: ProtocolBroker;

  private constructor(wire: Wire, brokers: string, transactionalId: string, begun: Begun) {
    this.#wire = wire;
    this.#brokers = brokers;
    this.#transactionalId = transactionalId;
    this.#producer = new SequencedProducer(wire, { ...begun.identity, transactionalId });
    this.#coordinator = begun.coordinator;
  }

  /**
   * Fences the predecessor; when it resolves, the predecessor's last transaction is either visible or undone.
   * @throws QueueError QUEUE_UNAVAILABLE, QUEUE_MISMATCH
   */
  static async begin(connections: Connections, transactionalId: string): Promise<TransactionalProducer> {
    let wire: Wire | undefined;
    try {
      wire = await connections.open();
      const begun = await initialise(wire, transactionalId);
      return new TransactionalProducer(wire, connections.brokers, transactionalId, begun);
    } catch (thrown) {
      await wire?.close().catch(() => undefined);
      throw asQueueError(thrown, 'The writer of a partition cannot begin', connections.brokers);
    }
  }

  /**
   * Writes all batches or none; answers where each was written. The batches of one partition are written in their order.
   * @throws QueueError QUEUE_FENCED when another producer has begun with this id; else retryable, and it may have happened
   */
  async commit(batches: readonly PartitionBatch[]): Promise<readonly Written[]> {
    try {
      const identity = { ...this.#producer.identity, transactionalId: this.#transactionalId };
      await this.#addPartitions(identity, batches);
      const written = await this.#send(batches);
      await this.#coordinator.endTxn({ ...identity, transactionResult: true });
      return written;
    } catch (thrown) {
      if (isFenced(thrown)) {
        throw new QueueError('QUEUE_FENCED', `Another server has taken over '${this.#transactionalId}'`, false, thrown);
      }
      throw asQueueError(thrown, 'A transaction failed', this.#brokers);
    }
  }

  close(): Promise<void> {
    return this.#wire.close();
  }

  async #addPartitions(
    identity: { transactionalId: string; producerId: string; producerEpoch: number },
    batches: readonly PartitionBatch[],
  ): Promise<void> {
    const topics = new Map<string, Set<number>>();
    for (const { topic, partition } of batches) topics.set(topic, (topics.get(topic) ?? new Set()).add(partition));
    const request = {
      ...identity,
      topics: [...topics].map(([topic, partitions]) => ({ topic, partitions: [...partitions] })),
    };
    for (let tries = 1; ; tries++) {
      try {
        await this.#coordinator.addPartitionsToTxn(request);
        return;
      } catch (thrown) {
        if (kafkaError(thrown) !== 'CONCURRENT_TRANSACTIONS' || tries >= MARKERS_TRIES) throw thrown;
        await delay(MARKERS_WAIT_MS);
      }
    }
  }

  /** Partitions of different brokers at once; several batches of one partition one after the other. */
  async #send(batches: readonly PartitionBatch[]): Promise<readonly Written[]> {
    await this.#wire.know([...new Set(batches.map(({ topic }) => topic))]);
    const written = new Map<PartitionBatch, Written>();
    let left = batches;
    while (left.length > 0) {
      const seen = new Set<string>();
      const isFirst = ({ topic, partition }: PartitionBatch): boolean => {
        const name = `${topic}/${partition}`;
        return !seen.has(name) && seen.add(name).has(name);
      };
      const now = left.filter(isFirst);
      await Promise.all(
        [...this.#byLeader(now)].map(async ([nodeId, ofNode]) => {
          const places = await this.#producer.send(nodeId, ofNode);
          ofNode.forEach((batch, at) => {
            this.#producer.advance(batch);
            const place = places[at];
            if (place !== undefined) written.set(batch, place);
          });
        }),
      );
      left = left.filter((batch) => !now.includes(batch));
    }
    return batches.map((batch) => written.get(batch) ?? { baseOffset: -1, logAppendTime: -1 });
  }

  #byLeader(batches: readonly PartitionBatch[]): ReadonlyMap<string, PartitionBatch[]> {
    const byNode = new Map<string, PartitionBatch[]>();
    for (const batch of batches) {
      const [nodeId] = this.#wire.leaders(batch.topic, [batch.partition]).keys();
      if (nodeId === undefined) throw new Error(`No broker leads partition ${batch.partition} of '${batch.topic}'`);
      byNode.set(nodeId, [...(byNode.get(nodeId) ?? []), batch]);
    }
    return byNode;
  }
}

interface Begun {
  readonly identity: { readonly producerId: string; readonly producerEpoch: number };
  readonly coordinator: ProtocolBroker;
}

async function initialise(wire: Wire, transactionalId: string): Promise<Begun> {
  for (let tries = 0; ; tries++) {
    try {
      const coordinator = await wire.coordinator('transaction', transactionalId);
      const identity = await coordinator.initProducerId({
        transactionalId,
        transactionTimeout: TRANSACTION_TIMEOUT_MS,
      });
      return { identity, coordinator };
    } catch (thrown) {
      const type = kafkaError(thrown) ?? '';
      if (type === 'CONCURRENT_TRANSACTIONS' && tries < MARKERS_TRIES) await delay(5);
      else if (MOVING.has(type) && tries < FENCE_TRIES) {
        await waitForBroker(tries);
        await wire.recover(thrown);
      } else throw thrown;
    }
  }
}
