import type { Clock, Instant } from '@millrace/model';
import { QueueError, WAKE, YIELD, type ProcessorDefinition } from '../contract.js';
import { Batch } from './batch.js';
import type { Input, Lease, PartitionPort } from './commit.js';
import { asError } from './dead-letter.js';
import { createDecider } from './decide.js';
import { Entries, type Entry } from './entries.js';
import { createSignal } from './signal.js';

/** Tries after which an event is decided alone, and after which it is a dead letter (protocols.md part 1.4). */
const TRIES_ALONE = 2;
const TRIES_REJECT = 4;
/** A wake that changed nothing and leaves its key due is repeated this late, so that it cannot spin. */
const WAKE_AGAIN_MS = 1_000;
/** A failure in a row that is no failure of the store is a bug after so many; it is shown instead of repeated. */
const BUG_FAILURES = 20;
const BACKOFF_MS = { first: 50, longest: 5_000 } as const;

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
export function startPartition<State, Rec, Event, Fact, Effect, Context>(
  definition: ProcessorDefinition<State, Rec, Event, Fact, Effect, Context>,
  port: PartitionPort<Rec, Event>,
  options: PartitionOptions,
): Partition {
  const { processor } = definition;
  const { partition, clock } = options;
  const entries = new Entries<State, Rec>(processor);
  const decider = createDecider(definition, { partition, entries });
  const topicOf = processor.topicOf.bind(processor);
  const signal = createSignal();
  let lease = options.lease;
  let applied = lease.appliedPosition;
  let now: Instant = lease.now;
  /** Tries of the batch after `applied`, this one included; 0 when they need not be counted any more. */
  let tries = 0;
  /** Events are decided alone up to this position. */
  let aloneUpTo = 0;
  let stopping = false;
  let failures = 0;
  let cancelTimer: (() => void) | undefined;
  let cancelBackoff: (() => void) | undefined;

  async function restore(): Promise<void> {
    entries.clear();
    applied = lease.appliedPosition;
    now = Math.max(now, lease.now);
    if (applied + 1 < lease.logStart) {
      throw new QueueError(
        'QUEUE_MISMATCH',
        `'${processor.name}' stopped after position ${applied} of partition ${partition} of '${processor.input.name}', but the log starts at ${lease.logStart}: ` +
          `events ${applied + 1} to ${lease.logStart - 1} are lost. Restore the queue from a backup, or give the processor a new name to start from what is there`,
        false,
      );
    }
    const records = new Map<string, [string, Rec][]>();
    await port.restore((key, id, record) => {
      const known = records.get(key);
      if (known === undefined) records.set(key, [[id, record]]);
      else known.push([id, record]);
    });
    for (const [key, list] of records) entries.refresh(entries.open(key, list, true));
  }

  /** Before the first batch after a take-over: whoever dies of it leaves a trace. */
  async function countTries(): Promise<void> {
    const before = lease.tries?.position === applied ? lease.tries.tries : 0;
    tries = before + 1;
    if (tries >= TRIES_ALONE) aloneUpTo = Math.max(aloneUpTo, applied + YIELD.steps);
    await port.recordTries(lease.epoch, { position: applied, tries });
  }

  function entryOf(key: string): Entry<State, Rec> | Promise<Entry<State, Rec>> {
    const known = entries.get(key);
    if (known !== undefined) return known;
    const records = port.load(key);
    if (records instanceof Promise) return records.then((list) => entries.open(key, list, false));
    return entries.open(key, records, false);
  }

  async function decideWakes(batch: Batch<State, Rec>): Promise<void> {
    for (let count = 0; count < YIELD.steps / 2 && !batch.full(); count++) {
      const key = entries.timers.take(batch.now);
      if (key === undefined) return;
      const entry = entries.get(key);
      if (entry === undefined) continue;
      const touches = batch.touches;
      const decided = decider.decide(entry, WAKE, { key, position: applied }, batch);
      if (decided !== undefined) await decided;
      entries.refresh(entry);
      if (batch.touches === touches) entries.timers.postpone(key, batch.now + WAKE_AGAIN_MS);
    }
  }

  async function decideInput(input: Input<Event>, batch: Batch<State, Rec>): Promise<void> {
    const place = { key: input.key, position: input.position };
    if (input.fault !== undefined) return decider.bury(input.value, place, input.fault, batch);
    if (input.broadcast && decider.spread(input.value, place, batch)) return undefined;
    let entry: Entry<State, Rec>;
    try {
      const found = entryOf(input.key);
      entry = found instanceof Promise ? await found : found;
    } catch (thrown) {
      if (thrown instanceof QueueError) throw thrown;
      return decider.bury(input.value, place, asError(thrown), batch);
    }
    if (tries >= TRIES_REJECT) {
      const fault = new Error(`The event ended the process ${tries - 1} times; it was given up`);
      return decider.reject(tries > TRIES_REJECT ? undefined : entry, input.value, place, fault, batch);
    }
    return decider.decide(entry, input.value, place, batch);
  }

  async function decideInputs(batch: Batch<State, Rec>): Promise<number> {
    const alone = applied < aloneUpTo;
    const waiting = port.read(applied, alone ? 1 : YIELD.steps);
    const inputs = waiting instanceof Promise ? await waiting : waiting;
    if (inputs.length > 0 && tries === 0) await countTries();
    let position = applied;
    for (const input of inputs) {
      if (position !== applied && (batch.full() || applied < aloneUpTo)) break;
      const decided = decideInput(input, batch);
      if (decided !== undefined) await decided;
      position = input.position;
    }
    return position;
  }

  /** Everything that waits, in one transaction; false when nothing did. */
  async function step(): Promise<boolean> {
    now = Math.max(now, clock.now());
    const batch = new Batch<State, Rec>(now, () => clock.now());
    await decideWakes(batch);
    const position = await decideInputs(batch);
    if (position === applied && batch.isEmpty()) return false;
    const head = { processor: processor.name, partition, epoch: lease.epoch, appliedPosition: position };
    const commit = batch.commit(head, topicOf);
    if (definition.broken === 'position-outside-transaction') await port.storePosition(lease.epoch, position);
    await port.commit(commit);
    if (position !== applied) tries = -1;
    applied = position;
    entries.settle(batch.entries());
    return true;
  }

  function armTimer(): void {
    cancelTimer?.();
    cancelTimer = undefined;
    const due = entries.timers.next();
    if (due !== undefined) cancelTimer = clock.after(Math.max(0, due - clock.now()), () => signal.give());
  }

  async function pump(): Promise<void> {
    while (!stopping) {
      if (await step()) {
        failures = 0;
        continue;
      }
      armTimer();
      await signal.wait();
    }
  }

  async function backoff(): Promise<void> {
    const delayMs = Math.min(BACKOFF_MS.longest, BACKOFF_MS.first * 2 ** Math.min(failures++, 10));
    await new Promise<void>((resolve) => {
      const cancel = clock.after(delayMs, resolve);
      cancelBackoff = () => {
        cancel();
        resolve();
      };
    });
    cancelBackoff = undefined;
  }

  /** Takes the partition anew after a failure; false when it is another's, or the owner stops. */
  async function takeAgain(): Promise<boolean> {
    while (!stopping) {
      try {
        const taken = await port.take();
        if (taken === undefined) return false;
        lease = taken;
        return true;
      } catch (thrown) {
        if (!isTransient(thrown)) throw thrown;
        await backoff();
      }
    }
    return false;
  }

  async function run(): Promise<'stopped' | 'lost'> {
    try {
      while (!stopping) {
        try {
          await restore();
          await pump();
        } catch (thrown) {
          if (stopping) break;
          if (thrown instanceof QueueError && thrown.code === 'QUEUE_FENCED') return 'lost';
          if (!isTransient(thrown)) throw thrown;
          entries.clear();
          if (failures > 0) await backoff();
          else failures++;
          if (failures > BUG_FAILURES && !(thrown instanceof QueueError)) throw thrown;
          if (!(await takeAgain())) break;
        }
      }
      return stopping ? 'stopped' : 'lost';
    } finally {
      cancelTimer?.();
      entries.clear();
    }
  }

  const ended = run();
  ended.catch(() => undefined);
  return {
    wake: () => signal.give(),
    epoch: () => lease.epoch,
    ended,
    async stop() {
      stopping = true;
      cancelBackoff?.();
      signal.give();
      await ended.catch(() => undefined);
    },
  };
}

/** Failures of the store may pass; everything else would only happen again. */
const isTransient = (thrown: unknown): boolean => !(thrown instanceof QueueError) || thrown.retryable;
