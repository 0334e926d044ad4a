import {
  entryOf,
  isPurge,
  selectionConditions,
  type ExecutionRecord,
  type LogRecord,
  type MetricRecord,
  type ObservationPurge,
  type TaskRun,
  type TriggerRecord,
} from '@millrace/model';
import type { LoggedRecord } from '@millrace/queue';
import type { IndexedTopic, IndexStore, RetentionLimits, Settlement } from '../index-store.js';
import { writeBulk, type BulkItem } from './bulk.js';
import type { ElasticsearchConnection } from './connection.js';
import { positionOf, type Operation } from './documents/document.js';
import { executionOperation } from './documents/executions.js';
import { logOperation, metricOperation } from './documents/observations.js';
import { taskRunOperation } from './documents/task-runs.js';
import { triggerOperation } from './documents/triggers.js';
import { copyGeneration, publishGeneration, removeGeneration } from './generations.js';
import { indexOf, KINDS, stemOf, type Kind } from './names.js';
import { prepareIndex } from './preparing.js';
import { every, onRecords, term, terms } from './queries.js';
import { removeOlderThan } from './retention.js';
import { removeAll } from './scrolling.js';

export interface IndexStoreOptions {
  /** The caller's; it is not closed. */
  readonly connection: ElasticsearchConnection;
  /** Absent: the one that searches see, which `prepare` finds. */
  readonly generation?: number;
}

/** More indices than this are not named one by one: they must fit into the line of a request. */
const NAMED_MAX = 30;
const NOTHING: Settlement = { kind: 'nothing' };
const WRITTEN: Settlement = { kind: 'written' };

/** What the indexer writes to, on Elasticsearch. `prepare` comes first. */
export function createIndexStore({ connection, generation }: IndexStoreOptions): IndexStore {
  return new ElasticsearchStore(connection, generation);
}

class ElasticsearchStore implements IndexStore {
  readonly #connection: ElasticsearchConnection;
  readonly #wanted: number | undefined;
  #generation: number;
  /** Indices, or patterns of their names, in which something was written since they were refreshed. */
  readonly #unrefreshed = new Set<string>();

  constructor(connection: ElasticsearchConnection, generation: number | undefined) {
    this.#connection = connection;
    this.#wanted = generation;
    this.#generation = generation ?? 1;
  }

  get generation(): number {
    return this.#generation;
  }

  async prepare(): Promise<void> {
    this.#generation = await prepareIndex(this.#connection, this.#wanted);
  }

  async write(topic: IndexedTopic, records: readonly LoggedRecord<unknown>[]): Promise<readonly Settlement[]> {
    const settlements = records.map((): Settlement => NOTHING);
    let batch = new Batch();
    const deleted: string[] = [];
    for (const [at, record] of records.entries()) {
      const purge = purgeOf(topic, record);
      if (purge !== undefined) {
        // It removes what came before it, and nothing that comes after it.
        await this.#send(batch, settlements);
        batch = new Batch();
        await this.#purge(topic === 'logs' ? 'logs' : 'metrics', record, purge);
        settlements[at] = WRITTEN;
        continue;
      }
      try {
        const operation = operationOf(topic, record);
        if (operation !== undefined) batch.add(operation, at);
        if (operation !== undefined && isDeletion(topic, record)) deleted.push(record.key);
      } catch (error) {
        settlements[at] = { kind: 'rejected', reason: error instanceof Error ? error.message : String(error) };
      }
    }
    await this.#send(batch, settlements);
    if (deleted.length > 0) await this.#removeParts(deleted);
    return settlements;
  }

  async refresh(whose: 'mine' | 'all'): Promise<void> {
    const written = [...this.#unrefreshed];
    this.#unrefreshed.clear();
    try {
      if (whose === 'all' || written.length > NAMED_MAX) await this.#refresh(KINDS.map((kind) => this.#indices(kind)));
      else if (written.length > 0) await this.#refresh(written);
    } catch (thrown) {
      for (const index of written) this.#unrefreshed.add(index);
      throw thrown;
    }
  }

  async removeOlderThan(limits: RetentionLimits): Promise<{ readonly removed: number }> {
    return { removed: await removeOlderThan(this.#connection, this.#generation, limits) };
  }

  async nextGeneration(): Promise<IndexStore> {
    const generation = this.#generation + 1;
    await removeGeneration(this.#connection, generation);
    const next = new ElasticsearchStore(this.#connection, generation);
    await next.prepare();
    await copyGeneration(this.#connection, this.#generation, generation);
    await next.refresh('all');
    return next;
  }

  publish(): Promise<void> {
    return publishGeneration(this.#connection, this.#generation);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  async #send(batch: Batch, settlements: Settlement[]): Promise<void> {
    const { indexPrefix } = this.#connection;
    const pending = batch.pending();
    const items = pending.map(({ operation }): BulkItem => {
      const { kind, id, at, version, document } = operation;
      return {
        index: indexOf(indexPrefix, kind, this.#generation, at),
        id,
        ...(version === undefined ? {} : { version }),
        ...(document === undefined ? {} : { source: JSON.stringify(document) }),
      };
    });
    const settled = await writeBulk(this.#connection, items);
    // Afterwards: a refresh that began meanwhile has not seen all of it. What failed is written again.
    for (const { index } of items) this.#unrefreshed.add(index);
    for (const [at, { places }] of pending.entries())
      for (const place of places) settlements[place] = settled[at] ?? NOTHING;
  }

  /** Of the same partition only: each one has a purge of its own. */
  async #purge(kind: 'logs' | 'metrics', record: LoggedRecord<unknown>, purge: ObservationPurge): Promise<void> {
    await this.#refresh([this.#indices(kind)]);
    const selected = every(
      term('partition', record.partition),
      { range: { position: { lt: positionOf(record) } } },
      ...onRecords(selectionConditions(purge)),
    );
    await removeAll(this.#connection, this.#indices(kind), selected);
    this.#unrefreshed.add(this.#indices(kind));
  }

  /** What belongs to executions that were deleted; their heads stay, as a trace that no search finds. */
  async #removeParts(keys: readonly string[]): Promise<void> {
    const parts = [this.#indices('execution-records'), this.#indices('task-runs')];
    await this.#refresh(parts);
    for (const indices of parts) {
      await removeAll(this.#connection, indices, terms('key', keys));
      this.#unrefreshed.add(indices);
    }
  }

  async #refresh(indices: readonly string[]): Promise<void> {
    await this.#connection.request({
      method: 'POST',
      path: `/${encodeURIComponent(indices.join(','))}/_refresh`,
      query: { ignore_unavailable: true, allow_no_indices: true },
    });
  }

  /** Every index of a kind in this generation; another one may begin with the same digits. */
  #indices(kind: Kind): string {
    const stem = stemOf(this.#connection.indexPrefix, kind, this.#generation);
    return `${stem},${stem}-*`;
  }
}

/** Operations of one request: of several on one document the last one counts. */
class Batch {
  readonly #byDocument = new Map<string, { operation: Operation; readonly places: number[] }>();

  add(operation: Operation, place: number): void {
    const document = `${operation.kind} ${operation.id}`;
    const known = this.#byDocument.get(document);
    if (known === undefined) return void this.#byDocument.set(document, { operation, places: [place] });
    known.operation = operation;
    known.places.push(place);
  }

  pending(): readonly { readonly operation: Operation; readonly places: readonly number[] }[] {
    return [...this.#byDocument.values()];
  }
}

/** What a record becomes. Records come from topics, whose `decode` has checked them. */
function operationOf(topic: IndexedTopic, record: LoggedRecord<unknown>): Operation | undefined {
  switch (topic) {
    case 'executions':
      return executionOperation(record as LoggedRecord<ExecutionRecord>);
    case 'task-runs':
      return taskRunOperation(record as LoggedRecord<TaskRun>);
    case 'logs': {
      const { value } = record as LoggedRecord<LogRecord>;
      const entry = value === null ? undefined : entryOf(value);
      return entry && logOperation(entry, record);
    }
    case 'metrics': {
      const { value } = record as LoggedRecord<MetricRecord>;
      const entry = value === null ? undefined : entryOf(value);
      return entry && metricOperation(entry, record);
    }
    case 'triggers':
      return triggerOperation(record as LoggedRecord<TriggerRecord>);
    default:
      return topic satisfies never;
  }
}

function purgeOf(topic: IndexedTopic, { value }: LoggedRecord<unknown>): ObservationPurge | undefined {
  if ((topic !== 'logs' && topic !== 'metrics') || value === null) return undefined;
  const record = value as LogRecord | MetricRecord;
  return isPurge(record) ? record : undefined;
}

function isDeletion(topic: IndexedTopic, { value }: LoggedRecord<unknown>): boolean {
  const record = topic === 'executions' ? (value as ExecutionRecord | null) : null;
  return record?.kind === 'head' && record.deleted === true;
}
