import type { Topic } from '@millrace/model';
import type { Input } from '../shell/commit.js';
import { asError } from '../shell/dead-letter.js';
import type { Reading } from './reader.js';
import { BROADCAST, positionOf, type LogRecord } from './records.js';

/** What waits in memory for one partition; beyond it the reading pauses until half of it is done with. */
const RECORDS_MAX = 5_000;
const CHARACTERS_MAX = 8 * 1024 * 1024;

/** The events of one partition that were read and not yet applied. */
export class Inbox<Event> {
  readonly #topic: Topic<Event>;
  #waiting: { readonly record: LogRecord; input?: Input<Event> }[] = [];
  #start = 0;
  #characters = 0;
  #reading: Reading | undefined;
  #paused = false;

  constructor(topic: Topic<Event>) {
    this.#topic = topic;
  }

  get isEmpty(): boolean {
    return this.#start === this.#waiting.length;
  }

  /** Begins anew with another reading. */
  reset(reading: Reading | undefined): void {
    this.#reading?.close();
    this.#reading = reading;
    this.#waiting = [];
    this.#start = 0;
    this.#characters = 0;
    this.#paused = false;
  }

  offer(records: readonly LogRecord[]): void {
    for (const record of records) {
      this.#waiting.push({ record });
      this.#characters += record.text?.length ?? 0;
    }
    if (!this.#paused && this.#fill() >= 1) {
      this.#paused = true;
      this.#reading?.pause();
    }
  }

  /** The next events after a position; what lies before it is done with. */
  read(after: number, limit: number): readonly Input<Event>[] {
    this.#discard(after);
    const inputs: Input<Event>[] = [];
    for (let at = this.#start; at < this.#waiting.length && inputs.length < limit; at++) {
      const waiting = this.#waiting[at];
      if (waiting !== undefined) inputs.push((waiting.input ??= decoded(this.#topic, waiting.record)));
    }
    return inputs;
  }

  #fill(): number {
    return Math.max((this.#waiting.length - this.#start) / RECORDS_MAX, this.#characters / CHARACTERS_MAX);
  }

  #discard(upTo: number): void {
    for (;;) {
      const record = this.#waiting[this.#start]?.record;
      if (record === undefined || positionOf(record.offset) > upTo) break;
      this.#characters -= record.text?.length ?? 0;
      this.#start++;
    }
    if (this.#start > 1_024 || this.#start === this.#waiting.length) {
      this.#waiting = this.#waiting.slice(this.#start);
      this.#start = 0;
    }
    if (this.#paused && this.#fill() < 0.5) {
      this.#paused = false;
      this.#reading?.resume();
    }
  }
}

function decoded<Event>(topic: Topic<Event>, record: LogRecord): Input<Event> {
  const place = {
    position: positionOf(record.offset),
    key: record.key,
    broadcast: record.header(BROADCAST) !== undefined,
  };
  let value: unknown = record.text;
  try {
    value = record.parsed();
    return { ...place, value: topic.decode(value) };
  } catch (thrown) {
    return { ...place, value, fault: asError(thrown) };
  }
}
