import type { RetentionLimits } from '../index-store.js';
import { member } from './answers.js';
import type { ElasticsearchConnection } from './connection.js';
import { existingIndices, removeIndices, type ExistingIndex } from './indices.js';
import { endOf, stemOf, type Kind } from './names.js';
import { every, none, terms } from './queries.js';
import { pagesOf, removeAll, writeForSure } from './scrolling.js';

/**
 * Removes what is older than the limits: days of logs and months of metrics that lie before it as a whole; ended executions
 * that began before it, with all that belongs to them.
 */
export async function removeOlderThan(
  connection: ElasticsearchConnection,
  generation: number,
  { executions, logs, metrics }: RetentionLimits,
): Promise<number> {
  const indices = (await existingIndices(connection)).filter((index) => index.generation === generation);
  let removed = 0;
  for (const [kind, limit] of [
    ['logs', logs],
    ['metrics', metrics],
  ] as const)
    if (limit !== undefined) removed += await dropPeriods(connection, ofKind(indices, kind), limit);
  if (executions !== undefined) {
    removed += await removeEnded(connection, generation, executions);
    for (const kind of ['executions', 'task-runs'] as const)
      removed += await dropFinished(connection, ofKind(indices, kind), executions);
  }
  return removed;
}

const ofKind = (indices: readonly ExistingIndex[], kind: Kind): readonly ExistingIndex[] =>
  indices.filter((index) => index.kind === kind);

async function dropPeriods(
  connection: ElasticsearchConnection,
  indices: readonly ExistingIndex[],
  limit: number,
): Promise<number> {
  let removed = 0;
  for (const { name } of indices) {
    const end = endOf(name);
    if (end === undefined || end > limit) continue;
    removed += await countIn(connection, name, {});
    await removeIndices(connection, [name]);
  }
  return removed;
}

/** Ended executions, oldest months first, in pages: what belongs to them, and then they themselves. */
async function removeEnded(connection: ElasticsearchConnection, generation: number, limit: number): Promise<number> {
  const stem = (kind: Kind): string => stemOf(connection.indexPrefix, kind, generation);
  const old = every({ exists: { field: 'endDate' } }, { range: { startDate: { lt: limit } } });
  let removed = 0;
  for await (const heads of pagesOf(connection, `${stem('executions')}-*`, old, ['key'])) {
    const keys = heads.map(({ source }) => String(member(source, 'key')));
    removed += await removeAll(connection, stem('execution-records'), terms('key', keys));
    removed += await removeAll(connection, `${stem('task-runs')}-*`, terms('key', keys));
    // Not one that went on meanwhile.
    await writeForSure(
      connection,
      heads.map(({ index, id, version }) => ({ index, id, version })),
    );
    removed += heads.length;
  }
  return removed;
}

/** Months before the limit in which nothing is left but traces of what was deleted. */
async function dropFinished(
  connection: ElasticsearchConnection,
  indices: readonly ExistingIndex[],
  limit: number,
): Promise<number> {
  const past = indices.filter(({ name }) => (endOf(name) ?? Number.POSITIVE_INFINITY) <= limit);
  for (const { name } of past) {
    await connection.request({ method: 'POST', path: `/${encodeURIComponent(name)}/_refresh`, accept: [404] });
    const left = await countIn(connection, name, { query: none({ exists: { field: 'deleted' } }) });
    if (left === 0) await removeIndices(connection, [name]);
  }
  return 0;
}

async function countIn(connection: ElasticsearchConnection, index: string, body: object): Promise<number> {
  const answer = await connection.request({
    method: 'POST',
    path: `/${encodeURIComponent(index)}/_count`,
    body,
    accept: [404],
  });
  const count = member(answer, 'count');
  return typeof count === 'number' ? count : 0;
}
