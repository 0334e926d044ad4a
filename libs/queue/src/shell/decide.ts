import { excerpt, type DeadLetter, type Topic } from '@millrace/model';
import { WAKE, YIELD, type Decision, type ProcessorDefinition, type Wake } from '../contract.js';
import type { Batch } from './batch.js';
import { asError, DEAD_LETTERS, reasonOf } from './dead-letter.js';
import { encode, encodeEvent } from './encode.js';
import type { Entries, Entry } from './entries.js';

/** Where an input came from, for dead letters. */
export interface Place {
  readonly key: string;
  /** The applied position for wakes, which have none of their own. */
  readonly position: number;
}

/** Decides the events of one partition: each with all that follows from it, and each by itself when it fails. */
export class Decider<State, Rec, Event, Fact, Effect, Context> {
  readonly #definition: ProcessorDefinition<State, Rec, Event, Fact, Effect, Context>;
  readonly #partition: number;
  readonly #entries: Entries<State, Rec>;
  readonly #topicOf: (record: Rec) => Topic<Rec>;

  constructor(
    definition: ProcessorDefinition<State, Rec, Event, Fact, Effect, Context>,
    partition: number,
    entries: Entries<State, Rec>,
  ) {
    this.#definition = definition;
    this.#partition = partition;
    this.#entries = entries;
    this.#topicOf = (record) => definition.processor.topicOf(record);
  }

  /** A promise only when the context is one. Never throws for what a decision throws. */
  decide(entry: Entry<State, Rec>, input: Event | Wake, place: Place, batch: Batch<State, Rec>): void | Promise<void> {
    return this.#withContext(entry, input, place, batch, (context) => {
      const pending = isWake(input) ? undefined : this.#definition.processor.pendingOf(input);
      const stack = pending === undefined ? [input] : [...pending].reverse();
      const fault = this.#attempt(entry, batch, () => this.#runToRest(entry, stack, context, batch));
      if (fault !== undefined) this.#fail(entry, input, place, fault, context, batch);
    });
  }

  /** Publishes, by key, what a broadcast event becomes in this partition; false when the processor has no `spread`. */
  spread(event: Event, place: Place, batch: Batch<State, Rec>): boolean {
    const { processor } = this.#definition;
    if (processor.spread === undefined) return false;
    const mark = batch.mark();
    try {
      for (const [key, keyed] of processor.spread(event, this.#entries.live())) this.#send(key, keyed, batch);
    } catch (thrown) {
      batch.rewind(mark);
      this.bury(event, place, asError(thrown), batch);
    }
    return true;
  }

  /** Gives an event up without deciding it: the processor's `fail`, and a dead letter. */
  reject(
    entry: Entry<State, Rec>,
    input: Event,
    place: Place,
    fault: Error,
    batch: Batch<State, Rec>,
  ): void | Promise<void> {
    return this.#withContext(entry, input, place, batch, (context) =>
      this.#fail(entry, input, place, fault, context, batch),
    );
  }

  /** Only a dead letter. */
  bury(value: unknown, { key, position }: Place, fault: Error, batch: Batch<State, Rec>): void {
    const { processor } = this.#definition;
    const letter: DeadLetter = {
      topic: processor.input.name,
      partition: this.#partition,
      position,
      key,
      value,
      processor: processor.name,
      reason: excerpt(reasonOf(fault), 2_000),
      at: batch.now,
    };
    try {
      batch.bytes += encode({ topic: DEAD_LETTERS, key, value: letter }, batch.outgoing);
    } catch {
      // The value cannot be stored a second time (too large with the letter around it): its beginning must do.
      batch.bytes += encode(
        { topic: DEAD_LETTERS, key, value: { ...letter, value: beginningOf(value) } },
        batch.outgoing,
      );
    }
    this.#definition.onFault?.({ key, error: fault });
  }

  #send(key: string, event: Event, batch: Batch<State, Rec>): void {
    const record = encodeEvent(this.#definition.processor.input, this.#partition, key, event);
    batch.outgoing.push(record);
    batch.bytes += record.text?.length ?? 0;
  }

  #apply(
    entry: Entry<State, Rec>,
    decision: Decision<Fact, Effect, Event>,
    batch: Batch<State, Rec>,
    stack: (Event | Wake)[],
  ): void {
    const { processor } = this.#definition;
    for (const fact of decision.facts) processor.evolve(entry.state, fact);
    for (const effect of decision.effects) batch.bytes += encode(this.#definition.outgoing(effect), batch.outgoing);
    for (let at = decision.next.length - 1; at >= 0; at--) {
      const next = decision.next[at];
      if (next !== undefined) stack.push(next);
    }
  }

  /** Depth first: an event's follow-ups come before its siblings. What is left at a limit becomes a durable event. */
  #runToRest(entry: Entry<State, Rec>, stack: (Event | Wake)[], context: Context, batch: Batch<State, Rec>): void {
    const { processor } = this.#definition;
    for (let steps = 0; stack.length > 0; steps++) {
      if (steps >= YIELD.steps || (steps > 0 && batch.mustYield())) {
        const pending = stack.reverse().filter((input): input is Event => !isWake(input));
        return this.#send(entry.key, processor.continuation(entry.key, pending), batch);
      }
      const input = stack.pop();
      if (input === undefined) return;
      batch.steps++;
      this.#apply(entry, processor.decide(entry.state, input, context), batch, stack);
    }
  }

  /** Runs `work` as one event: all of it counts, or nothing of it; answers what it threw. */
  #attempt(entry: Entry<State, Rec>, batch: Batch<State, Rec>, work: () => void): Error | undefined {
    const mark = batch.mark();
    try {
      work();
      entry.isStuck = false;
      this.#entries.refresh(entry);
      batch.absorb(entry, this.#topicOf);
      return undefined;
    } catch (thrown) {
      entry.records.undo();
      this.#entries.refresh(entry);
      batch.rewind(mark);
      return asError(thrown);
    }
  }

  #fail(
    entry: Entry<State, Rec>,
    input: Event | Wake,
    place: Place,
    fault: Error,
    context: Context,
    batch: Batch<State, Rec>,
  ): void {
    // What `fail` itself throws is undone with all it did; the dead letter tells of the first fault.
    const second = this.#attempt(entry, batch, () => {
      const stack: (Event | Wake)[] = [];
      this.#apply(entry, this.#definition.processor.fail(entry.state, input, fault, context), batch, stack);
      this.#runToRest(entry, stack, context, batch);
    });
    if (second !== undefined) {
      // Woken again it would only fail again, and leave a dead letter each time.
      entry.isStuck = true;
      this.#entries.refresh(entry);
    }
    this.bury(input, place, fault, batch);
  }

  /** Looks the context up and goes on with it; when that fails nothing can be decided, not even the failure. */
  #withContext(
    entry: Entry<State, Rec>,
    input: Event | Wake,
    place: Place,
    batch: Batch<State, Rec>,
    then: (context: Context) => void,
  ): void | Promise<void> {
    batch.see(entry);
    let context: Context | Promise<Context>;
    try {
      context = this.#definition.context(entry.key, entry.state, input, batch.now);
    } catch (thrown) {
      return this.bury(input, place, asError(thrown), batch);
    }
    if (!(context instanceof Promise)) return then(context);
    return context.then(then, (thrown: unknown) => this.bury(input, place, asError(thrown), batch));
  }
}

const isWake = (input: unknown): input is Wake => input === WAKE;

const beginningOf = (value: unknown): string => {
  try {
    return excerpt(value, 10_000);
  } catch {
    return 'A value that has no JSON form';
  }
};
