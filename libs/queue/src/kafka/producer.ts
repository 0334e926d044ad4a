/// <reference path="./kafkajs-protocol.d.ts" />
import type { ProducedMessage, ProtocolBroker } from 'kafkajs/src/cluster/index.js';
import type { Wire } from './connections.js';

const PRODUCE_TIMEOUT_MS = 10_000;
/** Kafka counts a producer's records of a partition in 31 bits. */
const SEQUENCE_END = 2 ** 31;

/** Who writes, as Kafka tells producers apart; with a transactional id, all writes belong to its open transaction. */
export interface ProducerIdentity {
  readonly producerId: string;
  readonly producerEpoch: number;
  readonly transactionalId?: string;
}

/** Messages for one partition, written as one batch. */
export interface PartitionBatch {
  readonly topic: string;
  readonly partition: number;
  readonly messages: readonly ProducedMessage[];
}

export interface Written {
  readonly baseOffset: number;
  /** Broker's time when the topic stamps records itself, else -1. */
  readonly logAppendTime: number;
}

/**
 * Numbers a producer's batches, so that the broker recognises a repeat, and sends them to the partitions' leaders. Of one
 * partition at most one batch may be on its way.
 */
export class SequencedProducer {
  readonly #sequences = new Map<string, number>();

  constructor(
    private readonly wire: Wire,
    readonly identity: ProducerIdentity,
  ) {}

  /** The number that the partition's next batch gets. */
  sequenceOf({ topic, partition }: Pick<PartitionBatch, 'topic' | 'partition'>): number {
    return this.#sequences.get(`${topic}/${partition}`) ?? 0;
  }

  /** The batch is written: the next one gets the numbers after it. */
  advance({ topic, partition, messages }: PartitionBatch): void {
    const next = (this.sequenceOf({ topic, partition }) + messages.length) % SEQUENCE_END;
    this.#sequences.set(`${topic}/${partition}`, next);
  }

  /**
   * Writes batches of different partitions that `nodeId` leads; durable on every replica in sync when it resolves. A
   * repeat with the same numbers is written once.
   */
  async send(nodeId: string, batches: readonly PartitionBatch[]): Promise<readonly Written[]> {
    const broker = await this.wire.broker(nodeId);
    const { topics } = await broker.produce({
      ...this.identity,
      acks: -1,
      timeout: PRODUCE_TIMEOUT_MS,
      topicData: this.#topicData(batches),
    });
    const written = new Map<string, Written>();
    for (const { topicName, partitions } of topics) {
      for (const { partition, baseOffset, logAppendTime } of partitions) {
        const place = { baseOffset: Number(baseOffset), logAppendTime: Number(logAppendTime) };
        written.set(`${topicName}/${partition}`, place);
      }
    }
    return batches.map(({ topic, partition }) => {
      const place = written.get(`${topic}/${partition}`);
      if (place === undefined) throw new Error(`The broker did not answer for partition ${partition} of '${topic}'`);
      return place;
    });
  }

  #topicData(batches: readonly PartitionBatch[]) {
    const byTopic = new Map<string, PartitionBatch[]>();
    for (const batch of batches) byTopic.set(batch.topic, [...(byTopic.get(batch.topic) ?? []), batch]);
    return [...byTopic].map(([topic, ofTopic]) => ({
      topic,
      partitions: ofTopic.map((batch) => ({
        partition: batch.partition,
        firstSequence: this.sequenceOf(batch),
        messages: batch.messages,
      })),
    }));
  }
}

/** A producer without transactions: repeats are recognised for as long as it lives. */
export async function newIdempotentProducer(wire: Wire): Promise<SequencedProducer> {
  const broker: ProtocolBroker = await wire.anyBroker();
  return new SequencedProducer(wire, await broker.initProducerId({}));
}
