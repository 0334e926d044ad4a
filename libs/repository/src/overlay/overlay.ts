import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { isTerminal, type Clock, type Topic, type Topics } from '@millrace/model';
import type { Committed, Queue, Tail } from '@millrace/queue';
import { createSqlCopy, type CopiedRecord, type SqlCopy } from '@millrace/queue/sql';
import type { ExecutionRecords, Repository } from '../contract.js';
import { createSqlRepository } from '../sql/index.js';

export interface OverlayOptions {
  readonly queue: Pick<Queue, 'tail'>;
  readonly topics: Pick<Topics, 'executions' | 'taskRuns' | 'logs' | 'metrics'>;
  /** The copy lies in a folder of its own below it, which goes with the process. */
  readonly folder: string;
  readonly clock: Clock;
  /** Told when the copy can no longer be kept: the repository answers nothing new from then on. */
  readonly onError: (error: unknown) => void;
}

/** Records applied in one transaction: some milliseconds of the event loop. */
const PIECE = 500;
/** A read that shall show all that was committed before it waits no longer for it than this. */
const CATCH_UP_MS = 1_000;
const FOLDER = 'overlay-';

/**
 * The query side of a queue whose tables nobody can search (Kafka): a copy of the topics in tables of this process, searched
 * like those of the embedded queue (protocols.md part 7.3). Look-ups of one execution show what was committed before they
 * were asked, by whichever server; searches may lag by some milliseconds.
 */
export async function openOverlay(options: OverlayOptions): Promise<Repository> {
  const { topics, folder, clock } = options;
  removeLeftOvers(folder);
  const own = mkdtempSync(join(folder, `${FOLDER}${process.pid}-`));
  const file = join(own, 'copy.db');
  const followed = [topics.executions, topics.taskRuns, topics.logs, topics.metrics];
  const copying = new Copying(createSqlCopy({ file, topics: followed, now: () => clock.now() }), options);
  const sql = createSqlRepository({ file });
  const close = async (): Promise<void> => {
    copying.close();
    await sql.close();
    rmSync(own, { recursive: true, force: true });
  };
  try {
    await copying.open();
  } catch (error) {
    await close();
    throw error;
  }
  return {
    async execution(scope, executionId) {
      await copying.caughtUp('executions', 'taskRuns');
      const found = await sql.execution(scope, executionId);
      // Head and task runs were committed together and are read apart.
      return found && !isWhole(found)
        ? copying.caughtUp('taskRuns').then(() => sql.execution(scope, executionId))
        : found;
    },
    async logs(scope, executionId, filter) {
      await copying.caughtUp('logs');
      return sql.logs(scope, executionId, filter);
    },
    async metrics(scope, executionId, query) {
      await copying.caughtUp('metrics');
      return sql.metrics(scope, executionId, query);
    },
    searchExecutions: (scope, query) => sql.searchExecutions(scope, query),
    searchLogs: (scope, query) => sql.searchLogs(scope, query),
    close,
  };
}

/** An ended execution has as many task runs as its head counts, each in its final state. */
const isWhole = ({ head, taskRuns }: ExecutionRecords): boolean =>
  !isTerminal(head.state) ||
  (taskRuns.length >= head.sequence && taskRuns.every(({ state }) => isTerminal(state))) ||
  head.progress.active > 0;

type Followed = 'executions' | 'taskRuns' | 'logs' | 'metrics';

/** Follows the topics and applies what comes, in pieces. */
class Copying {
  readonly #copy: SqlCopy;
  readonly #options: OverlayOptions;
  readonly #tails = new Map<Followed, Tail>();
  #pending: CopiedRecord[] = [];
  #applying: Promise<void> | undefined;
  #closed = false;

  constructor(copy: SqlCopy, options: OverlayOptions) {
    this.#copy = copy;
    this.#options = options;
  }

  async open(): Promise<void> {
    const { topics } = this.#options;
    await Promise.all([
      this.#follow('executions', topics.executions),
      this.#follow('taskRuns', topics.taskRuns),
      this.#follow('logs', topics.logs),
      this.#follow('metrics', topics.metrics),
    ]);
    await this.#applied();
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
    await this.#applied();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const tail of this.#tails.values()) tail.close();
    this.#pending = [];
    this.#copy.close();
  }

  async #follow<Value>(name: Followed, topic: Topic<Value>): Promise<void> {
    const onRecord = (record: Committed<Value>): void => {
      this.#pending.push({ ...record, topic });
      if (this.#applying === undefined) this.#applying = this.#apply();
    };
    const tail = await this.#options.queue.tail(topic, { from: 'start', onRecord, onError: this.#options.onError });
    if (this.#closed) tail.close();
    this.#tails.set(name, tail);
  }

  async #applied(): Promise<void> {
    while (this.#applying !== undefined) await this.#applying;
  }

  async #apply(): Promise<void> {
    // What comes in this turn of the event loop goes together.
    await nextTurn();
    try {
      while (this.#pending.length > 0 && !this.#closed) {
        const piece = this.#pending.splice(0, PIECE);
        this.#copy.apply(piece);
        if (this.#pending.length > 0) await nextTurn();
      }
    } catch (error) {
      this.#options.onError(error);
    } finally {
      this.#applying = undefined;
    }
  }
}

/** Copies of processes that died: the name of a copy's folder says whose it was. */
function removeLeftOvers(folder: string): void {
  for (const name of readdirSync(folder)) {
    const pid = name.startsWith(FOLDER) ? Number.parseInt(name.slice(FOLDER.length), 10) : NaN;
    if (pid > 0 && !isAlive(pid)) rmSync(join(folder, name), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // EPERM: the process is there and belongs to somebody else.
    return typeof error === 'object' && error !== null && 'code' in error && error.code === 'EPERM';
  }
}
