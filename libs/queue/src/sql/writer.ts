import type Database from 'libsql';
import { QueueError } from '../contract.js';
import type { CommittedRecord } from '../store/contract.js';
import { closedError } from '../shell/failure.js';

/** What a write came to. */
export interface Written<Answer> {
  readonly answer: Answer;
  readonly records: readonly CommittedRecord[];
}

/** The parts of the data that keep figures in memory and must follow a transaction's end. */
export interface Transactional {
  /** Everything buffered is handed to the database. */
  flush(): void;
  /** The transaction is durable. */
  committed(): void;
  /** The transaction never happened. */
  rolledBack(): void;
}

/** The only writer of the file. */
export interface Writer {
  /**
   * Runs `apply` in a transaction shared with everything else that was submitted in this turn of the event loop.
   * `rows` is about what it will write. QUEUE_FENCED thrown by `apply` concerns it alone; it must then not have written
   * anything. What else it throws undoes the transaction, and its neighbours are written without it.
   */
  submit<Answer>(rows: number, apply: () => Written<Answer>): Promise<Answer>;
  /** Writes what was submitted, then refuses everything. */
  close(): Promise<void>;
  /** Refuses everything, also what was submitted and not yet written. */
  kill(): void;
}

/** Rows after which the rest waits for the next turn: bounds how long the database holds the event loop. */
const TRANSACTION_ROWS = 1_000;

interface Waiting {
  readonly rows: number;
  apply(): readonly CommittedRecord[];
  resolve(): void;
  reject(thrown: unknown): void;
}

interface Transaction {
  readonly done: readonly Waiting[];
  readonly refused: readonly (readonly [Waiting, QueueError])[];
  /** What is to be told, in order. */
  readonly records: readonly CommittedRecord[];
}

class GroupCommit implements Writer {
  readonly #database: Database.Database;
  readonly #data: Transactional;
  readonly #deliver: (records: readonly CommittedRecord[]) => void;
  readonly #begin: Database.Statement;
  readonly #commit: Database.Statement;
  #waiting: Waiting[] = [];
  #scheduled = false;
  #closed = false;

  constructor(
    database: Database.Database,
    data: Transactional,
    deliver: (records: readonly CommittedRecord[]) => void,
  ) {
    this.#database = database;
    this.#data = data;
    this.#deliver = deliver;
    this.#begin = database.prepare('BEGIN IMMEDIATE');
    this.#commit = database.prepare('COMMIT');
  }

  submit<Answer>(rows: number, apply: () => Written<Answer>): Promise<Answer> {
    if (this.#closed) return Promise.reject(closedError());
    return new Promise<Answer>((resolve, reject) => {
      let settle: () => void = () => reject(new Error('A write was answered before it was applied'));
      this.#waiting.push({
        rows,
        apply() {
          const { answer, records } = apply();
          settle = () => resolve(answer);
          return records;
        },
        resolve: () => settle(),
        reject,
      });
      this.#schedule();
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    while (this.#waiting.length > 0) this.#write(this.#takeBatch());
  }

  kill(): void {
    this.#closed = true;
    for (const { reject } of this.#waiting.splice(0)) reject(closedError());
  }

  #schedule(): void {
    if (this.#scheduled || this.#waiting.length === 0) return;
    this.#scheduled = true;
    // After the callbacks of this turn, so that all of them share the transaction.
    setImmediate(() => {
      this.#scheduled = false;
      if (this.#waiting.length === 0) return;
      this.#write(this.#takeBatch());
      this.#schedule();
    });
  }

  #takeBatch(): Waiting[] {
    let rows = 0;
    let count = 0;
    for (const { rows: own } of this.#waiting) {
      if (count > 0 && rows + own > TRANSACTION_ROWS) break;
      rows += own;
      count++;
    }
    return this.#waiting.splice(0, count);
  }

  #write(batch: readonly Waiting[]): void {
    let transaction: Transaction;
    try {
      transaction = this.#transact(batch);
    } catch (thrown) {
      // One write that the database refuses must not fail its neighbours.
      if (batch.length > 1) for (const single of batch) this.#write([single]);
      else for (const single of batch) single.reject(asQueueError(thrown));
      return;
    }
    for (const [write, error] of transaction.refused) write.reject(error);
    // Told before they are answered: who waits for a publish finds its effects in the views.
    this.#deliver(transaction.records);
    for (const write of transaction.done) write.resolve();
  }

  /** Throws when nothing of the batch happened. */
  #transact(batch: readonly Waiting[]): Transaction {
    const done: Waiting[] = [];
    const records: CommittedRecord[] = [];
    const refused: [Waiting, QueueError][] = [];
    this.#begin.run();
    try {
      for (const write of batch) {
        try {
          for (const record of write.apply()) records.push(record);
          done.push(write);
        } catch (thrown) {
          if (!(thrown instanceof QueueError) || thrown.code !== 'QUEUE_FENCED') throw thrown;
          refused.push([write, thrown]);
        }
      }
      this.#data.flush();
      this.#commit.run();
    } catch (thrown) {
      if (this.#database.inTransaction) this.#database.exec('ROLLBACK');
      this.#data.rolledBack();
      throw thrown;
    }
    this.#data.committed();
    return { done, records, refused };
  }
}

export const createWriter = (
  database: Database.Database,
  data: Transactional,
  deliver: (records: readonly CommittedRecord[]) => void,
): Writer => new GroupCommit(database, data, deliver);

/** A failure of the database, as the queue reports it. */
export function asQueueError(thrown: unknown): QueueError {
  if (thrown instanceof QueueError) return thrown;
  const reason = thrown instanceof Error ? thrown.message : String(thrown);
  // What the database says may pass (a full disk); what our own code throws would only happen again.
  const mayPass = thrown instanceof Error && 'code' in thrown;
  return new QueueError(
    'QUEUE_UNAVAILABLE',
    `The database did not take a write; nothing of it was stored: ${reason}`,
    mayPass,
    thrown,
  );
}
