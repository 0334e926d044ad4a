import type { Clock } from '@millrace/model';
import type { Commit, EncodedRecord, StoredTopic } from '../shell/commit.js';
import { backlogOf } from '../store/backlog.js';
import { stateRecords } from '../store/state-records.js';
import type { CommittedRecord, QueueStore } from '../store/contract.js';
import type { LeaseTable } from './leases.js';
import type { Tables } from './tables.js';
import type { Writer } from './writer.js';

export interface SqlSessionOptions {
  readonly tables: Tables;
  readonly leases: LeaseTable;
  readonly writer: Writer;
  readonly clock: Clock;
  readonly followers: Set<(records: readonly CommittedRecord[]) => void>;
  /** Closes the file and gives the lock back. */
  release(): void;
}

/** Rows read in one go before the event loop has its turn. */
const PAGE = 500;
/** What a piece of a purge counts for in a transaction. */
const PURGED_ROWS = 500;

const breathe = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

/** The store of one process over one data file. */
class SqlSession implements QueueStore {
  /** Only this process can open the file, so what it owns it keeps. */
  readonly leaseMs = undefined;
  readonly #parts: SqlSessionOptions;

  #isPurging = false;

  constructor(parts: SqlSessionOptions) {
    this.#parts = parts;
    // What a process before this one has left.
    this.#purgeRest();
  }

  declare = (topic: StoredTopic): void => this.#parts.tables.declare(topic);

  topics = (): Iterable<StoredTopic> => this.#parts.tables.topics();

  publish = (records: readonly EncodedRecord[]): Promise<void> =>
    this.#parts.writer.submit(records.length, () => ({ answer: undefined, records: this.#write(records) }));

  commit = (commit: Commit): Promise<void> => {
    const { leases, writer } = this.#parts;
    const changed = commit.states.reduce((sum, { puts, removals }) => sum + puts.length + removals.length, 1);
    return writer.submit(changed + commit.outgoing.length, () => {
      leases.apply(commit);
      leases.setLive(commit);
      return { answer: undefined, records: this.#write([...stateRecords(commit), ...commit.outgoing]) };
    });
  };

  takeJobs: QueueStore['takeJobs'] = async (topic, limit, claim, accept) => {
    const { tables, writer } = this.#parts;
    if (tables.jobs(topic).isEmpty()) return [];
    return writer.submit(limit, () => {
      const taken = tables.jobs(topic).take(limit, accept);
      return { answer: taken, records: this.#write(taken.flatMap((job) => claim(job))) };
    });
  };

  assign: QueueStore['assign'] = async ({ input }, held) => {
    const all = Array.from({ length: input.partitions }, (_, partition) => partition);
    return { take: all.filter((partition) => !held.includes(partition)), giveUp: [] };
  };

  takePartition: QueueStore['takePartition'] = (owner) => {
    const { leases, tables } = this.#parts;
    return this.#silently(() => leases.take(owner, tables.events(owner.input).start(owner.partition)));
  };

  releasePartition: QueueStore['releasePartition'] = (owner, epoch) =>
    this.#silently(() => this.#parts.leases.release(owner, epoch));

  leave = async (): Promise<void> => undefined;

  recordTries: QueueStore['recordTries'] = (owner, epoch, tries) =>
    this.#silently(() => this.#parts.leases.recordTries({ ...owner, epoch }, tries));

  storePosition: QueueStore['storePosition'] = (owner, epoch, position) =>
    this.#silently(() => this.#parts.leases.storePosition({ ...owner, epoch }, position));

  restore: QueueStore['restore'] = async ({ processor, partition }, topics, each) => {
    const { leases, tables } = this.#parts;
    for (let after = ''; ; await breathe()) {
      const keys = leases.livePage(processor, partition, after, PAGE);
      for (const key of keys) for (const topic of topics) tables.state(topic).load(key).forEach(each);
      if (keys.length < PAGE) return;
      after = keys.at(-1) ?? after;
    }
  };

  load: QueueStore['load'] = (topics, _partition, key) =>
    topics.flatMap((topic) => this.#parts.tables.state(topic).load(key));

  read: QueueStore['read'] = (topic, partition, after, limit) =>
    this.#parts.tables.events(topic).read(partition, after, limit);

  backlog: QueueStore['backlog'] = (topic, reader) => {
    const { leases, tables } = this.#parts;
    if (topic.kind === 'jobs') return new Map([[0, tables.jobs(topic).count()]]);
    // State has no offsets here.
    if (topic.kind === 'state') return new Map();
    const table = tables.events(topic);
    return backlogOf(topic, (partition) => ({
      start: table.start(partition),
      end: table.end(partition),
      done: typeof reader === 'string' ? leases.applied(reader, partition) : reader.get(partition),
    }));
  };

  scan: QueueStore['scan'] = async (topic, each) => {
    for (let after = { key: '', id: '' }; ; await breathe()) {
      const rows = this.#parts.tables.state(topic).page(after, PAGE);
      rows.forEach(each);
      if (rows.length < PAGE) return;
      after = rows.at(-1) ?? after;
    }
  };

  follow: QueueStore['follow'] = (listener) => {
    const { followers } = this.#parts;
    followers.add(listener);
    return () => followers.delete(listener);
  };

  removeExpired: QueueStore['removeExpired'] = (topic, limit) => {
    const { clock, leases, tables } = this.#parts;
    const { retentionMs } = topic;
    if (retentionMs === undefined) return Promise.resolve(0);
    return this.#silently(() => {
      let removed = 0;
      for (let partition = 0; partition < topic.partitions && removed < limit; partition++) {
        const done = leases.doneUpTo(topic.name, partition);
        const expired = clock.now() - retentionMs;
        removed += tables.events(topic).removeExpired(partition, expired, done, limit - removed);
      }
      return removed;
    });
  };

  close = async (): Promise<void> => {
    await this.#parts.writer.close();
    this.#parts.release();
  };

  /** A small transaction that nobody follows. */
  #silently<Answer>(apply: () => Answer): Promise<Answer> {
    return this.#parts.writer.submit(1, () => ({ answer: apply(), records: [] }));
  }

  #write(records: readonly EncodedRecord[]): CommittedRecord[] {
    const { clock, tables } = this.#parts;
    const writtenAt = clock.now();
    const hadPurges = tables.hasPurges;
    const written = records.map((record) => {
      const { topic, partition, key, id, value, text, broadcast } = record;
      return { topic, partition, key, id, value, text, broadcast, position: tables.write(record, writtenAt) };
    });
    if (tables.hasPurges) {
      // Few rows are gone when the writer is answered; many go piece by piece.
      if (!hadPurges) for (let rows = 0; tables.hasPurges && rows < PURGED_ROWS;) rows += tables.purgePiece();
      this.#purgeRest();
    }
    return written;
  }

  #purgeRest(): void {
    const { tables, writer } = this.#parts;
    if (this.#isPurging || !tables.hasPurges) return;
    this.#isPurging = true;
    const piece = async (): Promise<void> => {
      while (tables.hasPurges) {
        await writer.submit(PURGED_ROWS, () => {
          for (let rows = 0; tables.hasPurges && rows < PURGED_ROWS;) rows += tables.purgePiece();
          return { answer: undefined, records: [] };
        });
      }
    };
    // A failure is no loss: the next purge, or the next start, goes on.
    piece().then(
      () => (this.#isPurging = false),
      () => (this.#isPurging = false),
    );
  }
}

export const openSqlSession = (options: SqlSessionOptions): QueueStore => new SqlSession(options);
