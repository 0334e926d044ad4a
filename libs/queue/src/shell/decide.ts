import { excerpt, type DeadLetter } from '@millrace/model';
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
export interface Decider<State, Rec, Event> {
  /** A promise only when the context is one. Never throws for what a decision throws. */
  decide(entry: Entry<State, Rec>, input: Event | Wake, place: Place, batch: Batch<State, Rec>): void | Promise<void>;
  /** Publishes, by key, what a broadcast event becomes in this partition; false when the processor has no `spread`. */
  spread(event: Event, place: Place, batch: Batch<State, Rec>): boolean;
  /** A dead letter, and the processor's `fail` when the key could be opened. */
  reject(
    entry: Entry<State, Rec> | undefined,
    input: Event | Wake,
    place: Place,
    fault: Error,
    batch: Batch<State, Rec>,
  ): void | Promise<void>;
  /** A dead letter for something that is no event. */
  bury(value: unknown, place: Place, fault: Error, batch: Batch<State, Rec>): void;
}

export function createDecider<State, Rec, Event, Fact, Effect, Context>(
  definition: ProcessorDefinition<State, Rec, Event, Fact, Effect, Context>,
  options: { readonly partition: number; readonly entries: Entries<State, Rec> },
): Decider<State, Rec, Event> {
  const { processor } = definition;
  const { partition, entries } = options;
  const topicOf = processor.topicOf.bind(processor);

  function apply(
    entry: Entry<State, Rec>,
    decision: Decision<Fact, Effect, Event>,
    batch: Batch<State, Rec>,
    stack: (Event | Wake)[],
  ): void {
    for (const fact of decision.facts) processor.evolve(entry.state, fact);
    for (const effect of decision.effects) batch.bytes += encode(definition.outgoing(effect), batch.outgoing);
    for (let at = decision.next.length - 1; at >= 0; at--) {
      const next = decision.next[at];
      if (next !== undefined) stack.push(next);
    }
  }

  /** Depth first: an event's follow-ups come before its siblings. What is left at a limit becomes a durable event. */
  function runToRest(
    entry: Entry<State, Rec>,
    stack: (Event | Wake)[],
    context: Context,
    batch: Batch<State, Rec>,
  ): void {
    for (let steps = 0; stack.length > 0; steps++) {
      if (steps >= YIELD.steps || (steps > 0 && batch.mustYield())) {
        const pending = stack.reverse().filter((input): input is Event => input !== WAKE);
        const event = encodeEvent(processor.input, partition, entry.key, processor.continuation(entry.key, pending));
        batch.outgoing.push(event);
        batch.bytes += event.text?.length ?? 0;
        return;
      }
      const input = stack.pop();
      if (input === undefined) return;
      batch.steps++;
      apply(entry, processor.decide(entry.state, input, context), batch, stack);
    }
  }

  /** Runs `work` as one event: all of it counts, or nothing of it; answers what it threw. */
  function attempt(entry: Entry<State, Rec>, batch: Batch<State, Rec>, work: () => void): Error | undefined {
    const mark = batch.mark();
    try {
      work();
      entries.refresh(entry);
      batch.absorb(entry, topicOf);
      return undefined;
    } catch (thrown) {
      entry.records.undo();
      batch.rewind(mark);
      return asError(thrown);
    }
  }

  function bury(value: unknown, { key, position }: Place, fault: Error, batch: Batch<State, Rec>): void {
    const letter: DeadLetter = {
      topic: processor.input.name,
      partition,
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
      // The value itself cannot be stored a second time (too large with the letter around it): its beginning must do.
      batch.bytes += encode(
        { topic: DEAD_LETTERS, key, value: { ...letter, value: excerptOf(value) } },
        batch.outgoing,
      );
    }
    definition.onFault?.({ key, error: fault });
  }

  function fail(
    entry: Entry<State, Rec>,
    input: Event | Wake,
    place: Place,
    fault: Error,
    context: Context,
    batch: Batch<State, Rec>,
  ): void {
    attempt(entry, batch, () => {
      const stack: (Event | Wake)[] = [];
      apply(entry, processor.fail(entry.state, input, fault, context), batch, stack);
      runToRest(entry, stack, context, batch);
    });
    bury(input, place, fault, batch);
  }

  function decideWith(
    entry: Entry<State, Rec>,
    input: Event | Wake,
    place: Place,
    context: Context,
    batch: Batch<State, Rec>,
  ): void {
    const pending = isWake(input) ? undefined : processor.pendingOf(input);
    const fault = attempt(entry, batch, () =>
      runToRest(entry, pending === undefined ? [input] : [...pending].reverse(), context, batch),
    );
    if (fault !== undefined) fail(entry, input, place, fault, context, batch);
  }

  /** Looks the context up and goes on with it; when that fails nothing can be decided, not even the failure. */
  function withContext(
    entry: Entry<State, Rec>,
    input: Event | Wake,
    place: Place,
    batch: Batch<State, Rec>,
    then: (context: Context) => void,
  ): void | Promise<void> {
    batch.see(entry);
    let context: Context | Promise<Context>;
    try {
      context = definition.context(entry.key, entry.state, input, batch.now);
    } catch (thrown) {
      bury(input, place, asError(thrown), batch);
      return undefined;
    }
    if (!(context instanceof Promise)) return then(context);
    return context.then(then, (thrown: unknown) => bury(input, place, asError(thrown), batch));
  }

  function spread(event: Event, place: Place, batch: Batch<State, Rec>): boolean {
    if (processor.spread === undefined) return false;
    const mark = batch.mark();
    try {
      for (const [key, keyed] of processor.spread(event, entries.live())) {
        const record = encodeEvent(processor.input, partition, key, keyed);
        batch.outgoing.push(record);
        batch.bytes += record.text?.length ?? 0;
      }
    } catch (thrown) {
      batch.rewind(mark);
      bury(event, place, asError(thrown), batch);
    }
    return true;
  }

  return {
    decide: (entry, input, place, batch) =>
      withContext(entry, input, place, batch, (context) => decideWith(entry, input, place, context, batch)),
    spread,
    reject: (entry, input, place, fault, batch) =>
      entry === undefined
        ? bury(input, place, fault, batch)
        : withContext(entry, input, place, batch, (context) => fail(entry, input, place, fault, context, batch)),
    bury,
  };
}

const isWake = (input: unknown): input is Wake => input === WAKE;

const excerptOf = (value: unknown): string => {
  try {
    return excerpt(value, 10_000);
  } catch {
    return 'A value that has no JSON form';
  }
};
