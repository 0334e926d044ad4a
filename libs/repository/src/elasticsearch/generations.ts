import { numberOf } from './answers.js';
import type { ElasticsearchConnection } from './connection.js';
import { existingIndices, putTemplate, removeIndices } from './indices.js';
import { aliasOf, KINDS, stemOf, type Kind } from './names.js';
import { pagesOf, writeForSure } from './scrolling.js';

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
  for (const kind of KINDS) await putTemplate(connection, kind, generation, true);
  const indices = await existingIndices(connection);
  const { indexPrefix } = connection;
  const actions = indices.flatMap(({ name, kind, generation: of, isPublished }): object[] => {
    const alias = aliasOf(indexPrefix, kind);
    if (of === generation) return isPublished ? [] : [{ add: { index: name, alias } }];
    return isPublished ? [{ remove: { index: name, alias } }] : [];
  });
  if (actions.length > 0) await connection.request({ method: 'POST', path: '/_aliases', body: { actions } });
  const others = indices.filter((index) => index.generation !== generation);
  for (const stem of new Set(others.map(({ kind, generation: of }) => stemOf(indexPrefix, kind, of))))
    await connection.request({
      method: 'DELETE',
      path: `/_index_template/${encodeURIComponent(stem)}`,
      accept: [404],
    });
  await removeIndices(
    connection,
    others.map(({ name }) => name),
  );
}
