import { RepositoryError } from '../contract.js';
import { member } from './answers.js';
import type { ElasticsearchConnection } from './connection.js';
import { MAPPING_VERSION, mappingOf } from './mappings.js';
import { aliasOf, generationOf, KINDS, stemOf, type Kind } from './names.js';

/** An index of ours that exists. */
export interface ExistingIndex {
  readonly name: string;
  readonly kind: Kind;
  readonly generation: number;
  /** Searches see it. */
  readonly isPublished: boolean;
}

/** All of ours, of every generation. */
export async function existingIndices(connection: ElasticsearchConnection): Promise<readonly ExistingIndex[]> {
  const { indexPrefix } = connection;
  const patterns = KINDS.map((kind) => `${indexPrefix}${kind}-v*`).join(',');
  const answer = await connection.request({
    method: 'GET',
    path: `/${encodeURIComponent(patterns)}/_alias`,
    query: { ignore_unavailable: true, allow_no_indices: true },
    accept: [404],
  });
  return Object.keys(typeof answer === 'object' && answer !== null ? answer : {}).flatMap((name) =>
    KINDS.flatMap((kind) => {
      const generation = generationOf(indexPrefix, kind, name);
      if (generation === undefined) return [];
      const aliases = member(member(answer, name), 'aliases');
      return [{ name, kind, generation, isPublished: member(aliases, aliasOf(indexPrefix, kind)) !== undefined }];
    }),
  );
}

/** The generation that searches see; the later one, where a server that started during a publication has shown the earlier again. */
export function publishedOf(indices: readonly ExistingIndex[]): number | undefined {
  const published = indices.filter(({ isPublished }) => isPublished).map(({ generation }) => generation);
  return published.length === 0 ? undefined : Math.max(...published);
}

/** Makes an index that has no period, unless it is there: else the alias would not be before the first document. */
export async function makeIndex(connection: ElasticsearchConnection, name: string): Promise<void> {
  try {
    await connection.request({ method: 'PUT', path: `/${encodeURIComponent(name)}`, body: {} });
  } catch (error) {
    const isThere = error instanceof RepositoryError && error.message.includes('already exists');
    if (!isThere) throw error;
  }
}

/** Gives indices that exist the fields that they do not have yet. */
export async function bringUpToDate(
  connection: ElasticsearchConnection,
  indices: readonly ExistingIndex[],
): Promise<void> {
  for (const kind of KINDS) {
    const ofKind = indices.filter((index) => index.kind === kind);
    if (ofKind.length === 0) continue;
    const stems = new Set(ofKind.map(({ generation }) => `${stemOf(connection.indexPrefix, kind, generation)}*`));
    const answer = await connection.request({
      method: 'GET',
      path: `/${encodeURIComponent([...stems].join(','))}/_mapping`,
      query: { filter_path: '*.mappings._meta' },
      accept: [404],
    });
    for (const { name } of ofKind) {
      const meta = member(member(member(answer, name), 'mappings'), '_meta');
      const version = member(member(meta, 'millrace'), 'version');
      if (typeof version === 'number' && version >= MAPPING_VERSION) continue;
      await connection.request({
        method: 'PUT',
        path: `/${encodeURIComponent(name)}/_mapping`,
        body: mappingOf(kind),
        accept: [404],
      });
    }
  }
}

/** Removes indices by name; those that are gone are passed. */
export async function removeIndices(connection: ElasticsearchConnection, names: readonly string[]): Promise<void> {
  for (const name of names)
    await connection.request({
      method: 'DELETE',
      path: `/${encodeURIComponent(name)}`,
      query: { ignore_unavailable: true },
      accept: [404],
    });
}
