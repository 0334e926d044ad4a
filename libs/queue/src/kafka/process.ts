import { QueueError, type ProcessorDefinition } from '../contract.js';
import { startPartition, type Partition } from '../shell/partition.js';
import { createFailure, isClosed } from '../shell/failure.js';
import { checkPartitions, type Processing } from '../store/process.js';
import { delay, waitForBroker } from './broker-time.js';
import { Membership } from './membership.js';
import type { KafkaParts } from './parts.js';
import { KafkaPartition } from './partition-port.js';
import { Trimming } from './trim.js';

/** The group's offsets are for people only: so often they are brought up to date. */
const LAG_MS = 5_000;
/** How long after it was lost a partition is taken again, when the group still gives it to this process. */
const AGAIN_MS = 200;

interface Owned<Rec, Event> {
  readonly port: KafkaPartition<Rec, Event>;
  running: Partition | undefined;
  /** Resolves when it has stopped and let go. */
  ended: Promise<void>;
}

/** A processor as a consumer group: this process owns the partitions that the group gives it, and runs them. */
export async function startProcessing<State, Rec, Event, Fact, Effect, Context>(
  parts: KafkaParts,
  definition: ProcessorDefinition<State, Rec, Event, Fact, Effect, Context>,
): Promise<KafkaProcessing> {
  const { name, input, stateTopics } = definition.processor;
  checkPartitions(name, input, stateTopics);
  await parts.topics.ensure([{ ...input, input: true }, ...stateTopics]);
  const processing = new OwnedPartitions(parts, definition);
  try {
    await processing.start();
  } catch (thrown) {
    await processing.close();
    throw thrown;
  }
  return processing;
}

export interface KafkaProcessing extends Processing {
  /** Nothing waits in any partition, nothing is being written. */
  readonly isIdle: boolean;
  /** Gives everything up, for a reason that this process cannot mend: `failed` rejects with it. */
  give(reason: unknown): void;
}

class OwnedPartitions<State, Rec, Event, Fact, Effect, Context> implements KafkaProcessing {
  readonly #parts: KafkaParts;
  readonly #definition: ProcessorDefinition<State, Rec, Event, Fact, Effect, Context>;
  readonly #owned = new Map<number, Owned<Rec, Event>>();
  readonly #failure = createFailure();
  #membership: Membership | undefined;
  #assigned: ReadonlySet<number> = new Set();
  #trimming: Trimming | undefined;
  #lagTimer: ReturnType<typeof setInterval> | undefined;
  #closing: Promise<void> | undefined;
  #abandoned = false;

  constructor(parts: KafkaParts, definition: ProcessorDefinition<State, Rec, Event, Fact, Effect, Context>) {
    this.#parts = parts;
    this.#definition = definition;
  }

  get failed(): Promise<never> {
    return this.#failure.failed;
  }

  get name(): string {
    return this.#definition.processor.name;
  }

  get partitions(): readonly number[] {
    return [...this.#owned.keys()].sort((one, other) => one - other);
  }

  get isIdle(): boolean {
    if (this.#trimming?.isBusy === true) return false;
    for (const { port, running } of this.#owned.values()) if (running === undefined || !port.isIdle) return false;
    return true;
  }

  async start(): Promise<void> {
    const { connections, topics, group, log, faults, instance } = this.#parts;
    const { name, input } = this.#definition.processor;
    const lease = { kind: 'lease', instance, processor: name, topics: [] } as const;
    this.#membership = await Membership.join({
      connections,
      group: topics.nameOf({ name }),
      topic: topics.nameOf(input),
      partitions: input.partitions,
      ...(input.cluster === undefined ? {} : { cluster: input.cluster }),
      times: group,
      log,
      beforeBeat: () => faults?.before?.(lease),
      onAssigned: (partitions) => this.#assign(partitions),
      onFailure: (failure) => this.#fail(failure),
    });
    // What was given first is at work when the start ends, unless it is taken away meanwhile.
    await Promise.race([
      Promise.all([...this.#owned.values()].map(({ port }) => this.#begun.get(port))),
      this.#failure.failed,
    ]);
    this.#lagTimer = setInterval(() => void this.#showLag(), LAG_MS);
    this.#lagTimer.unref();
    this.#trimming = new Trimming(this.#parts, input, () => this.#applied());
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#shutDown());
  }

  give(reason: unknown): void {
    this.#fail(reason);
    void this.close();
  }

  abandon(): void {
    this.#abandoned = true;
    this.#stopTimers();
    for (const { running } of this.#owned.values()) void running?.stop();
    void this.#membership?.close();
  }

  #isOver(): boolean {
    return this.#abandoned || this.#closing !== undefined;
  }

  #fail(thrown: unknown): void {
    if (!this.#isOver() && !isClosed(thrown)) this.#failure.fail(thrown);
  }

  #assign(partitions: readonly number[]): void {
    this.#assigned = new Set(partitions);
    for (const [partition, owned] of this.#owned) if (!this.#assigned.has(partition)) void this.#drop(partition, owned);
    if (this.#isOver()) return;
    for (const partition of partitions) if (!this.#owned.has(partition)) this.#own(partition);
  }

  /** Resolves when the partition was taken, or cannot be. */
  readonly #begun = new WeakMap<KafkaPartition<Rec, Event>, Promise<void>>();

  #own(partition: number): void {
    const { name, input, stateTopics } = this.#definition.processor;
    const owned: Owned<Rec, Event> = {
      port: new KafkaPartition(this.#parts, {
        processor: name,
        input,
        stateTopics,
        partition,
        ...(this.#definition.retention === undefined ? {} : { retention: this.#definition.retention }),
        isMine: () => this.#isMine(partition, owned),
        onInput: () => owned.running?.wake(),
      }),
      running: undefined,
      ended: Promise.resolve(),
    };
    this.#owned.set(partition, owned);
    let begun = (): void => undefined;
    this.#begun.set(owned.port, new Promise((resolve) => (begun = resolve)));
    owned.ended = this.#run(partition, owned, begun)
      .catch((thrown: unknown) => this.#fail(thrown))
      .finally(begun);
  }

  #isMine(partition: number, owned: Owned<Rec, Event>): boolean {
    if (this.#isOver() || this.#owned.get(partition) !== owned || !this.#assigned.has(partition)) return false;
    // The first distribution comes before `join` has answered.
    return this.#membership?.isCurrent ?? true;
  }

  /** Takes the partition and runs it, again and again, for as long as the group gives it to this process. */
  async #run(partition: number, owned: Owned<Rec, Event>, begun: () => void): Promise<void> {
    try {
      await this.#keepRunning(partition, owned, begun);
    } finally {
      await owned.port.release();
    }
  }

  async #keepRunning(partition: number, owned: Owned<Rec, Event>, begun: () => void): Promise<void> {
    const { clock, log } = this.#parts;
    const { name } = this.#definition.processor;
    for (let failures = 0; this.#owned.get(partition) === owned && !this.#isOver();) {
      try {
        const lease = await owned.port.take();
        if (lease !== undefined && this.#owned.get(partition) === owned) {
          owned.running = startPartition(this.#definition, owned.port, { partition, clock, lease });
          begun();
          failures = 0;
          const how = await owned.running.ended;
          owned.running = undefined;
          if (how === 'stopped') break;
          log.info({ processor: name, partition }, 'A partition went to another server');
        }
        await delay(AGAIN_MS);
      } catch (thrown) {
        owned.running = undefined;
        if (!(thrown instanceof QueueError) || !thrown.retryable) throw thrown;
        log.warn(
          { processor: name, partition, reason: thrown.message },
          'A partition cannot be taken yet; trying again',
        );
        await waitForBroker(failures++);
      }
    }
  }

  async #drop(partition: number, owned: Owned<Rec, Event>): Promise<void> {
    if (this.#owned.get(partition) === owned) this.#owned.delete(partition);
    await owned.running?.stop();
    await owned.ended;
  }

  #applied(owned: Iterable<readonly [number, Owned<Rec, Event>]> = this.#owned): ReadonlyMap<number, number> {
    return new Map([...owned].map(([partition, { port }]) => [partition, port.applied]));
  }

  /** Offsets of the group: where each partition stands, for tools that show lag. Nothing reads them. */
  async #showLag(owned: Iterable<readonly [number, Owned<Rec, Event>]> = this.#owned): Promise<void> {
    await this.#membership?.commit(this.#applied(owned)).catch(() => undefined);
  }

  #stopTimers(): void {
    clearInterval(this.#lagTimer);
    this.#trimming?.stop();
  }

  async #shutDown(): Promise<void> {
    this.#stopTimers();
    const owned = [...this.#owned];
    await Promise.all(owned.map(([partition, one]) => this.#drop(partition, one)));
    await this.#showLag(owned);
    await this.#membership?.close();
  }
}
