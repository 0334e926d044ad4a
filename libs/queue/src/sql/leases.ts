import type Database from 'libsql';
import { QueueError } from '../contract.js';
import type { Commit, Lease, Tries } from '../shell/commit.js';
import type { PartitionOwner } from '../store/contract.js';
import { cells, integer, text } from './rows.js';

type Owned = Pick<Commit, 'processor' | 'partition' | 'epoch'>;

/** Leases, applied positions and live keys. Every method runs inside a transaction of the writer. */
export interface LeaseTable {
  take(owner: PartitionOwner, logStart: number): Lease;
  release(owner: PartitionOwner, epoch: number): void;
  /** The first statement of an owner's transaction: moves the position, and refuses an owner that is none any more. */
  apply(commit: Owned & Pick<Commit, 'appliedPosition' | 'now'>): void;
  recordTries(owned: Owned, tries: Tries): void;
  storePosition(owned: Owned, position: number): void;
  setLive(commit: Pick<Commit, 'processor' | 'partition' | 'live' | 'ended'>): void;
  /** Live keys after `key`, at most `limit`. */
  livePage(processor: string, partition: number, key: string, limit: number): readonly string[];
  /** The last position that the processor has applied; undefined when it never had the partition. */
  applied(processor: string, partition: number): number | undefined;
  /** The position up to which every processor of the topic is done; Infinity when none reads it. */
  doneUpTo(input: string, partition: number): number;
}

/** Of a row of leases. */
const positionOf = (row: unknown): number | undefined => (row === undefined ? undefined : integer(cells(row)[1]));

export function openLeaseTable(database: Database.Database): LeaseTable {
  const where = 'where processor = ? and partition = ?';
  const select = database
    .prepare(`select epoch, applied, now, tries_position, tries from millrace_leases ${where}`)
    .raw();
  const insert = database.prepare(
    'insert into millrace_leases (processor, partition, input, owner, epoch, applied, now) values (?, ?, ?, ?, 1, ?, 0)',
  );
  const raise = database.prepare(`update millrace_leases set epoch = epoch + 1, owner = ? ${where}`);
  const release = database.prepare(`update millrace_leases set owner = null ${where} and epoch = ?`);
  const apply = database.prepare(`update millrace_leases set applied = ?, now = ? ${where} and epoch = ?`);
  const tries = database.prepare(`update millrace_leases set tries_position = ?, tries = ? ${where} and epoch = ?`);
  const position = database.prepare(`update millrace_leases set applied = ? ${where} and epoch = ?`);
  const addLive = database.prepare('insert or ignore into millrace_live values (?, ?, ?)');
  const removeLive = database.prepare(`delete from millrace_live ${where} and key = ?`);
  const live = database.prepare(`select key from millrace_live ${where} and key > ? order by key limit ?`).raw();
  const done = database.prepare('select min(applied) from millrace_leases where input = ? and partition = ?').raw();

  function assertOwned(changes: number, { processor, partition, epoch }: Owned): void {
    if (changes === 1) return;
    throw new QueueError(
      'QUEUE_FENCED',
      `Partition ${partition} of '${processor}' was taken over; epoch ${epoch} owns it no more`,
      false,
    );
  }

  return {
    take({ processor, partition, input, instance }, logStart) {
      const row = select.get(processor, partition);
      if (row === undefined) {
        insert.run(processor, partition, input.name, instance, logStart - 1);
        return { epoch: 1, appliedPosition: logStart - 1, now: 0, logStart };
      }
      raise.run(instance, processor, partition);
      const [epoch, applied, now, triesPosition, triesCount] = cells(row);
      const lease = { epoch: integer(epoch) + 1, appliedPosition: integer(applied), now: integer(now), logStart };
      if (triesPosition === null || triesPosition === undefined) return lease;
      return { ...lease, tries: { position: integer(triesPosition), tries: integer(triesCount) } };
    },
    release: ({ processor, partition }, epoch) => void release.run(processor, partition, epoch),
    apply(commit) {
      const { changes } = apply.run(
        commit.appliedPosition,
        commit.now,
        commit.processor,
        commit.partition,
        commit.epoch,
      );
      assertOwned(changes, commit);
    },
    recordTries(owned, { position, tries: count }) {
      assertOwned(tries.run(position, count, owned.processor, owned.partition, owned.epoch).changes, owned);
    },
    storePosition(owned, applied) {
      assertOwned(position.run(applied, owned.processor, owned.partition, owned.epoch).changes, owned);
    },
    setLive(commit) {
      for (const key of commit.live) addLive.run(commit.processor, commit.partition, key);
      for (const key of commit.ended) removeLive.run(commit.processor, commit.partition, key);
    },
    livePage: (processor, partition, key, limit) =>
      live.all(processor, partition, key, limit).map((row) => text(cells(row)[0])),
    applied: (processor, partition) => positionOf(select.get(processor, partition)),
    doneUpTo(input, partition) {
      const applied = cells(done.get(input, partition))[0];
      return applied === null || applied === undefined ? Infinity : integer(applied);
    },
  };
}
