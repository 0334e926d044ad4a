import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock, Topic, Topics } from '@millrace/model';
import type { Tail } from '@millrace/queue';
import type { CopiedRecord, SqlCopy } from '@millrace/queue/sql';

/** The topics that the copy has. */
export type Followed = 'executions' | 'taskRuns' | 'logs' | 'metrics' | 'triggers';

/** Where records come from. */
export interface Source<Record extends CopiedRecord> {
  /** Tells the records of a topic; resolves when what was committed before the call has been told. */
  follow<Value>(
    topic: Topic<Value>,
    onRecord: (record: Record) => void,
    onError: (error: unknown) => void,
  ): Promise<Tail>;
  /** These are in the copy now. */
  applied?(records: readonly Record[]): void;
}

export interface CopyingOptions<Record extends CopiedRecord> {
  readonly source: Source<Record>;
  readonly topics: Pick<Topics, Followed>;
  readonly clock: Clock;
  readonly copy: SqlCopy;
  /** Told once when the copy can no longer be kept. */
  readonly onError: (error: unknown) => void;
}

/** Records offered to one transaction, and how long it may hold the event loop, which its end may pass a little. */
const PIECE = 500;
const PIECE_MS = 5;
/** More than this does not wait in memory: the reader of the topic then waits for the copy. */
const WAITING_MAX = 20_000;
/** A read that shall show all that was committed before it waits no longer for it than this. */
const CATCH_UP_MS = 1_000;
/** Nor for the rows that such a record removes, of which there may be many. */
const PURGES_MS = 1_000;

/** Follows topics and applies what comes to a copy, in pieces. */
export class Copying<Record extends CopiedRecord = CopiedRecord> {
  readonly #options: CopyingOptions<Record>;
  readonly #tails = new Map<Followed, Tail>();
  /** Received records; those before `#next` are applied. */
  #records: Record[] = [];
  #next = 0;
  /** Records since the start. */
  #received = 0;
  #applied = 0;
  #isApplying = false;
  #isOver = false;

  constructor(options: CopyingOptions<Record>) {
    this.#options = options;
  }

  /** Resolves when the copy has what was committed before the call. */
  async open(): Promise<void> {
    const { topics } = this.#options;
    await Promise.all([
      this.#follow('executions', topics.executions),
      this.#follow('taskRuns', topics.taskRuns),
      this.#follow('logs', topics.logs),
      this.#follow('metrics', topics.metrics),
      this.#follow('triggers', topics.triggers),
    ]);
    await this.received();
  }

  /** Resolves when the copy has what was committed before the call, or a time is over. */
  async caughtUp(...followed: readonly Followed[]): Promise<void> {
    let cancel = (): void => undefined;
    const over = new Promise<void>((resolve) => (cancel = this.#options.clock.after(CATCH_UP_MS, resolve)));
    try {
      // An unreachable queue is no reason to answer nothing: the copy is what there is.
      const all = Promise.all(followed.map((name) => this.#tails.get(name)?.caughtUp())).catch(() => undefined);
      await Promise.race([all, over]);
    } finally {
      cancel();
    }
    await this.received();
  }

  /**
   * Resolves when the copy has what any tail of this process was told before the call, and what such records remove is
   * gone, or was waited for long enough; what comes later is not waited for, so that a read ends however much is going on.
   */
  async received(): Promise<void> {
    // Listeners are told of a record one after the other, so another one may have asked before this one was told.
    await Promise.resolve();
    const until = this.#received;
    while (this.#applied < until && !this.#isOver) {
      this.#applyPiece();
      if (this.#applied < until) await nextTurn();
    }
    const enoughAt = performance.now() + PURGES_MS;
    while (this.#options.copy.hasPurges && !this.#isOver && performance.now() < enoughAt) {
      this.#applyPiece();
      await nextTurn();
    }
  }

  close(): void {
    this.#isOver = true;
    this.#records = [];
    for (const tail of this.#tails.values()) tail.close();
  }

  async #follow<Value>(name: Followed, topic: Topic<Value>): Promise<void> {
    const onRecord = (record: Record): void => {
      if (this.#isOver) return;
      this.#records.push(record);
      this.#received++;
      if (this.#received - this.#applied > WAITING_MAX) this.#applyPiece();
      else if (!this.#isApplying) void this.#applyAll();
    };
    const tail = await this.#options.source.follow(topic, onRecord, (error) => this.#fail(error));
    if (this.#isOver) tail.close();
    this.#tails.set(name, tail);
  }

  async #applyAll(): Promise<void> {
    this.#isApplying = true;
    while ((this.#applied < this.#received || this.#options.copy.hasPurges) && !this.#isOver) {
      // What comes in this turn of the event loop goes together.
      await nextTurn();
      this.#applyPiece();
    }
    this.#isApplying = false;
  }

  #applyPiece(): void {
    const piece = this.#records.slice(this.#next, this.#next + PIECE);
    if ((piece.length === 0 && !this.#options.copy.hasPurges) || this.#isOver) return;
    const enoughAt = performance.now() + PIECE_MS;
    try {
      const applied = this.#options.copy.apply(piece, () => performance.now() >= enoughAt);
      this.#options.source.applied?.(piece.slice(0, applied));
      this.#next += applied;
      this.#applied += applied;
    } catch (error) {
      this.#fail(error);
      return;
    }
    // Not with each piece: moving what is left costs as much as there is.
    if (this.#next < this.#records.length && this.#next < WAITING_MAX) return;
    this.#records.splice(0, this.#next);
    this.#next = 0;
  }

  #fail(error: unknown): void {
    if (this.#isOver) return;
    this.close();
    this.#options.onError(error);
  }
}
