import type { Clock, Instant } from '@millrace/model';
import { QueueError, WAKE, YIELD, type ProcessorDefinition } from '../contract.js';
import { createBackoff } from './backoff.js';
import { Batch } from './batch.js';
import type { Input, Lease, PartitionPort } from './commit.js';
import { asError } from './dead-letter.js';
import { Decider } from './decide.js';
import { Entries, type Entry } from './entries.js';
import { createSignal } from './signal.js';

/** Tries after which an event is decided alone, and after which it is given up (protocols.md part 1.4). */
const TRIES_ALONE = 2;
const TRIES_REJECT = 4;
/** A wake that changed nothing and leaves its key due is repeated this late, so that it cannot spin. */
const WAKE_AGAIN_MS = 1_000;
/** A failure that is none of the store is a bug after so many in a row; it is shown instead of repeated. */
const BUG_FAILURES = 20;

export interface PartitionOptions {
  readonly partition: number;
  readonly clock: Clock;
  readonly lease: Lease;
}

/** One owned partition at work. */
export interface Partition {
  /** There may be new events. Cheap; may be called at any time. */
  wake(): void;
  /** Finishes the commit under way and stops; resolves when nothing of this owner can happen any more. */
  stop(): Promise<void>;
  /** The epoch under which the partition is owned now; it grows when a failed commit was recovered from. */
  epoch(): number;
  /** `stopped`: asked to. `lost`: another owner has it. Rejects when it met what it must not touch. */
  readonly ended: Promise<'stopped' | 'lost'>;
}

/**
 * Runs a processor on one partition, whatever the adapter: restore, then decide everything that waits, commit it at once,
 * and so on. After any failed commit all memory is dropped, the lease taken anew (which fences the lost commit) and the
 * state restored; a batch is never tried again on the same state.
 */
export const startPartition = <State, Rec, Event, Fact, Effect, Context>(
  definition: ProcessorDefinition<State, Rec, Event, Fact, Effect, Context>,
  port: PartitionPort<Rec, Event>,
  options: PartitionOptions,
): Partition => new OwnedPartition(definition, port, options);

class OwnedPartition<State, Rec, Event, Fact, Effect, Context> implements Partition {
  readonly ended: Promise<'stopped' | 'lost'>;
  readonly #definition: ProcessorDefinition<State, Rec, Event, Fact, Effect, Context>;
  readonly #port: PartitionPort<Rec, Event>;
  readonly #partition: number;
  readonly #clock: Clock;
  readonly #entries: Entries<State, Rec>;
  readonly #decider: Decider<State, Rec, Event, Fact, Effect, Context>;
  readonly #signal = createSignal();
  readonly #backoff;
  #lease: Lease;
  #applied: number;
  #now: Instant;
  /** Tries of the batch after `applied`, this one included; 0 before the first batch, -1 when one was committed. */
  #tries = 0;
  /** Events are decided alone up to this position. */
  #aloneUpTo = 0;
  #stopping = false;
  #cancelTimer: (() => void) | undefined;

  constructor(
    definition: ProcessorDefinition<State, Rec, Event, Fact, Effect, Context>,
    port: PartitionPort<Rec, Event>,
    { partition, clock, lease }: PartitionOptions,
  ) {
    this.#definition = definition;
    this.#port = port;
    this.#partition = partition;
    this.#clock = clock;
    this.#lease = lease;
    this.#applied = lease.appliedPosition;
    this.#now = lease.now;
    this.#backoff = createBackoff(clock);
    this.#entries = new Entries(definition.processor);
    this.#decider = new Decider(definition, partition, this.#entries);
    this.ended = this.#run();
    this.ended.catch(() => undefined);
  }

  wake(): void {
    this.#signal.give();
  }

  epoch(): number {
    return this.#lease.epoch;
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    this.#backoff.cancel();
    this.#signal.give();
    await this.ended.catch(() => undefined);
  }

  async #run(): Promise<'stopped' | 'lost'> {
    try {
      while (!this.#stopping) {
        try {
          await this.#restore();
          await this.#pump();
        } catch (thrown) {
          if (this.#stopping) break;
          if (thrown instanceof QueueError && thrown.code === 'QUEUE_FENCED') return 'lost';
          if (!isTransient(thrown)) throw thrown;
          if (this.#backoff.failures() > BUG_FAILURES && !(thrown instanceof QueueError)) throw thrown;
          this.#entries.clear();
          await this.#backoff.wait();
          if (!(await this.#takeAgain())) break;
        }
      }
      return this.#stopping ? 'stopped' : 'lost';
    } finally {
      this.#cancelTimer?.();
      this.#entries.clear();
    }
  }

  async #restore(): Promise<void> {
    const { processor } = this.#definition;
    const { appliedPosition: applied, logStart } = this.#lease;
    this.#entries.clear();
    this.#applied = applied;
    this.#now = Math.max(this.#now, this.#lease.now);
    if (applied + 1 < logStart) {
      throw new QueueError(
        'QUEUE_MISMATCH',
        `'${processor.name}' stopped after position ${applied} of partition ${this.#partition} of '${processor.input.name}', but the log starts at ${logStart}: ` +
          `events ${applied + 1} to ${logStart - 1} are lost. Restore the queue from a backup, or give the processor a new name to start from what is there`,
        false,
      );
    }
    const records = new Map<string, [string, Rec][]>();
    await this.#port.restore((key, id, record) => {
      const known = records.get(key);
      if (known === undefined) records.set(key, [[id, record]]);
      else known.push([id, record]);
    });
    for (const [key, list] of records) this.#entries.refresh(this.#entries.open(key, list, true));
  }

  /** Takes the partition anew after a failure; false when it is another's, or the owner stops. */
  async #takeAgain(): Promise<boolean> {
    while (!this.#stopping) {
      try {
        const taken = await this.#port.take();
        if (taken === undefined) return false;
        this.#lease = taken;
        return true;
      } catch (thrown) {
        if (!isTransient(thrown)) throw thrown;
        await this.#backoff.wait();
      }
    }
    return false;
  }

  async #pump(): Promise<void> {
    while (!this.#stopping) {
      const decided = await this.#step();
      // Between batches, a piece at a time: neither waits long for the other.
      const isMoreDue = await this.#removeEnded();
      if (decided) this.#backoff.reset();
      if (decided || isMoreDue) continue;
      this.#armTimer();
      await this.#signal.wait();
    }
  }

  /** A piece of what is due; true when there is more. */
  async #removeEnded(): Promise<boolean> {
    const isDue = (): boolean => (this.#port.removesAt?.() ?? Infinity) <= this.#clock.now();
    if (this.#stopping || !isDue()) return false;
    const isInMemory = (key: string): boolean => this.#entries.get(key) !== undefined;
    await this.#port.removeEnded?.(this.#lease.epoch, this.#clock.now(), isInMemory);
    return isDue();
  }

  /** Everything that waits, in one transaction; false when nothing did. */
  async #step(): Promise<boolean> {
    this.#now = Math.max(this.#now, this.#clock.now());
    const batch = new Batch<State, Rec>(this.#now, () => this.#clock.now());
    const woken = this.#decideWakes(batch);
    if (woken !== undefined) await woken;
    const position = await this.#decideInputs(batch);
    if (position === this.#applied && batch.isEmpty()) return false;
    const { processor, broken } = this.#definition;
    const { epoch } = this.#lease;
    const head = { processor: processor.name, partition: this.#partition, epoch, appliedPosition: position };
    const commit = batch.commit(head, (record) => processor.topicOf(record), processor.stateTopics[0]);
    if (broken === 'position-outside-transaction') await this.#port.storePosition(epoch, position);
    await this.#port.commit(commit);
    if (position !== this.#applied) this.#tries = -1;
    this.#applied = position;
    this.#entries.settle(batch.entries());
    return true;
  }

  /** At most half a batch, so that wakes and events take turns. */
  async #decideWakes(batch: Batch<State, Rec>): Promise<void> {
    const { timers } = this.#entries;
    for (let count = 0; count < YIELD.steps / 2 && !batch.full(); count++) {
      const key = timers.take(batch.now);
      if (key === undefined) return;
      const entry = this.#entries.get(key);
      if (entry === undefined) continue;
      const touches = batch.touches;
      const decided = this.#decider.decide(entry, WAKE, { key, position: this.#applied }, batch);
      if (decided !== undefined) await decided;
      this.#entries.refresh(entry);
      if (batch.touches === touches) timers.postpone(key, batch.now + WAKE_AGAIN_MS);
    }
  }

  /** Answers the last position that was decided. */
  async #decideInputs(batch: Batch<State, Rec>): Promise<number> {
    const waiting = this.#port.read(this.#applied, this.#isAlone() ? 1 : YIELD.steps);
    const inputs = waiting instanceof Promise ? await waiting : waiting;
    if (inputs.length > 0 && this.#tries === 0) await this.#countTries();
    let position = this.#applied;
    for (const input of inputs) {
      if (position !== this.#applied && (batch.full() || this.#isAlone())) break;
      const decided = this.#decideInput(input, batch);
      if (decided !== undefined) await decided;
      position = input.position;
      if (input.fault === undefined && this.#definition.processor.bringsBack?.(input.value) === true) break;
    }
    return position;
  }

  #isAlone(): boolean {
    return this.#applied < this.#aloneUpTo;
  }

  /** Before the first batch after a take-over: whoever dies of it leaves a trace. */
  async #countTries(): Promise<void> {
    const { tries, epoch } = this.#lease;
    this.#tries = (tries?.position === this.#applied ? tries.tries : 0) + 1;
    if (this.#tries >= TRIES_ALONE) this.#aloneUpTo = Math.max(this.#aloneUpTo, this.#applied + YIELD.steps);
    await this.#port.recordTries(epoch, { position: this.#applied, tries: this.#tries });
  }

  #decideInput(input: Input<Event>, batch: Batch<State, Rec>): void | Promise<void> {
    const place = { key: input.key, position: input.position };
    if (input.fault !== undefined) return this.#decider.bury(input.value, place, input.fault, batch);
    const { value, broadcast } = input;
    if (this.#tries >= TRIES_REJECT) return this.#giveUp(value, place, batch);
    if (broadcast && this.#decider.spread(value, place, batch)) return undefined;
    return this.#withEntry(value, place, batch, (entry) => this.#decider.decide(entry, value, place, batch));
  }

  /** The event ended the process again and again. When even failing it did, it is not touched any more. */
  #giveUp(value: Event, place: { key: string; position: number }, batch: Batch<State, Rec>): void | Promise<void> {
    const fault = new Error(`The event ended the process ${this.#tries - 1} times; it was given up`);
    if (this.#tries > TRIES_REJECT) return this.#decider.bury(value, place, fault, batch);
    return this.#withEntry(value, place, batch, (entry) => this.#decider.reject(entry, value, place, fault, batch));
  }

  /** Finds the key in memory or loads it; a key that cannot be opened costs its event, not the partition. */
  #withEntry(
    value: Event,
    place: { key: string; position: number },
    batch: Batch<State, Rec>,
    then: (entry: Entry<State, Rec>) => void | Promise<void>,
  ): void | Promise<void> {
    const known = this.#entries.get(place.key);
    if (known !== undefined) return then(known);
    const open = (records: Iterable<readonly [string, Rec]>): void | Promise<void> => {
      let entry: Entry<State, Rec>;
      try {
        entry = this.#entries.open(place.key, records, false);
      } catch (thrown) {
        return this.#decider.bury(value, place, asError(thrown), batch);
      }
      return then(entry);
    };
    const records = this.#port.load(place.key);
    return records instanceof Promise ? records.then(open) : open(records);
  }

  #armTimer(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    const due = Math.min(this.#entries.timers.next() ?? Infinity, this.#port.removesAt?.() ?? Infinity);
    if (due === Infinity) return;
    this.#cancelTimer = this.#clock.after(Math.max(0, due - this.#clock.now()), () => this.#signal.give());
  }
}

/** Failures of the store may pass; everything else would only happen again. */
const isTransient = (thrown: unknown): boolean => !(thrown instanceof QueueError) || thrown.retryable;
