import { numberOf } from './answers.js';
import type { ElasticsearchConnection } from './connection.js';
import { existingIndices, removeIndices, type ExistingIndex } from './indices.js';
import { aliasOf, KINDS, stemOf, type Kind } from './names.js';
import { pagesOf, writeForSure } from './scrolling.js';
import { putTemplate, removeTemplate } from './templates.js';

/** Kinds whose documents have versions that are told by us. */
const VERSIONED: ReadonlySet<Kind> = new Set(['executions', 'execution-records', 'task-runs', 'triggers']);

/** Copies every document of a generation to another one, which is prepared. What is newer there stays. */
export async function copyGeneration(connection: ElasticsearchConnection, from: number, to: number): Promise<void> {
  const indices = (await existingIndices(connection)).filter(({ generation }) => generation === from);
  for (const { name, kind } of indices) {
    const target =
      stemOf(connection.indexPrefix, kind, to) + name.slice(stemOf(connection.indexPrefix, kind, from).length);
    await connection.request({ method: 'POST', path: `/${encodeURIComponent(name)}/_refresh`, accept: [404] });
    for await (const hits of pagesOf(connection, name, { match_all: {} }, true)) {
      const items = hits.map(({ id, version, source }) => ({
        index: target,
        id,
        ...(VERSIONED.has(kind) ? { version: numberOf(version) } : {}),
        source: JSON.stringify(source),
      }));
      await writeForSure(connection, items);
    }
  }
}

/** Removes what an earlier attempt to make a generation has left. */
export async function removeGeneration(connection: ElasticsearchConnection, generation: number): Promise<void> {
  const left = (await existingIndices(connection)).filter((index) => index.generation === generation);
  await removeIndices(
    connection,
    left.map(({ name }) => name),
  );
}

/** Searches see this generation and no other from one moment to the next; then the others are removed. */
export async function publishGeneration(connection: ElasticsearchConnection, generation: number): Promise<void> {
  // Until nothing is left to do: a server that starts at this moment may write the template without the alias, and an index
  // may be made of it. Whoever writes it after the swap looks again.
  while (await swapAliases(connection, generation));
  const indices = await existingIndices(connection);
  await removeIndicesOf(
    connection,
    indices.filter((index) => index.generation !== generation),
  );
}

/**
 * Ends what a publication has left undone, or what a server that started meanwhile has made of the earlier generation. One
 * that is being filled stays.
 */
export async function completePublication(
  connection: ElasticsearchConnection,
  indices: readonly ExistingIndex[],
  published: number,
): Promise<void> {
  const earlier = indices.filter(({ generation }) => generation < published);
  const isHidden = indices.some(({ generation, isPublished }) => generation === published && !isPublished);
  if (earlier.length === 0 && !isHidden) return;
  while (await swapAliases(connection, published));
  await removeIndicesOf(connection, earlier);
}

/** @returns false when searches saw this generation and no other already */
async function swapAliases(connection: ElasticsearchConnection, generation: number): Promise<boolean> {
  for (const kind of KINDS) await putTemplate(connection, kind, generation, true);
  const actions = (await existingIndices(connection)).flatMap(
    ({ name, kind, generation: of, isPublished }): object[] => {
      const alias = aliasOf(connection.indexPrefix, kind);
      if (of === generation) return isPublished ? [] : [{ add: { index: name, alias } }];
      return isPublished ? [{ remove: { index: name, alias } }] : [];
    },
  );
  if (actions.length > 0) await connection.request({ method: 'POST', path: '/_aliases', body: { actions } });
  return actions.length > 0;
}

async function removeIndicesOf(connection: ElasticsearchConnection, indices: readonly ExistingIndex[]): Promise<void> {
  for (const generation of new Set(indices.map(({ generation: of }) => of)))
    for (const kind of KINDS) await removeTemplate(connection, kind, generation);
  await removeIndices(
    connection,
    indices.map(({ name }) => name),
  );
}
