import { RepositoryError } from '../contract.js';
import { member, members } from './answers.js';
import type { ElasticsearchConnection } from './connection.js';
import { MAPPING_VERSION, mappingOf, settingsOf } from './mappings.js';
import { aliasOf, hasPeriods, stemOf, type Kind } from './names.js';

/** The template of the indices of a kind that will be made. @param isPublished searches see them at once */
export function putTemplate(
  connection: ElasticsearchConnection,
  kind: Kind,
  generation: number,
  isPublished: boolean,
): Promise<unknown> {
  return put(connection, kind, generation, isPublished, false);
}

/**
 * The same, unless it is there as it should be: one that makes indices searches see is never replaced by one that does not,
 * nor that of a newer version by an older one.
 */
export async function ensureTemplate(
  connection: ElasticsearchConnection,
  kind: Kind,
  generation: number,
  isPublished: boolean,
): Promise<void> {
  const answer = await connection.request({
    method: 'GET',
    path: pathOf(connection, kind, generation),
    accept: [404],
  });
  const [found] = members(answer, 'index_templates');
  if (found === undefined) return makeTemplate(connection, kind, generation, isPublished);
  const template = member(found, 'index_template');
  const aliases = member(member(template, 'template'), 'aliases');
  const hasAlias = member(aliases, aliasOf(connection.indexPrefix, kind)) !== undefined;
  if (isCurrent(connection, member(member(template, '_meta'), 'millrace')) && (hasAlias || !isPublished)) return;
  await put(connection, kind, generation, isPublished || hasAlias, false);
}

export async function removeTemplate(
  connection: ElasticsearchConnection,
  kind: Kind,
  generation: number,
): Promise<void> {
  await connection.request({ method: 'DELETE', path: pathOf(connection, kind, generation), accept: [404] });
}

/** Not over one that somebody else makes at the same time. */
async function makeTemplate(
  connection: ElasticsearchConnection,
  kind: Kind,
  generation: number,
  isPublished: boolean,
): Promise<void> {
  try {
    await put(connection, kind, generation, isPublished, true);
  } catch (error) {
    if (!(error instanceof RepositoryError && error.message.includes('already exists'))) throw error;
  }
}

function put(
  connection: ElasticsearchConnection,
  kind: Kind,
  generation: number,
  isPublished: boolean,
  create: boolean,
): Promise<unknown> {
  const { indexPrefix, shards, replicas } = connection;
  const stem = stemOf(indexPrefix, kind, generation);
  return connection.request({
    method: 'PUT',
    path: pathOf(connection, kind, generation),
    query: { create },
    body: {
      index_patterns: [hasPeriods(kind) ? `${stem}-*` : stem],
      // Above those that Elasticsearch brings along.
      priority: 500,
      template: {
        settings: { ...settingsOf(connection), 'index.mapping.ignore_malformed': true },
        mappings: mappingOf(kind),
        ...(isPublished ? { aliases: { [aliasOf(indexPrefix, kind)]: {} } } : {}),
      },
      _meta: { millrace: { version: MAPPING_VERSION, shards, replicas } },
    },
  });
}

/** @param made what the template says of its making */
function isCurrent({ shards, replicas }: ElasticsearchConnection, made: unknown): boolean {
  const version = member(made, 'version');
  if (typeof version !== 'number' || version < MAPPING_VERSION) return false;
  return version > MAPPING_VERSION || (member(made, 'shards') === shards && member(made, 'replicas') === replicas);
}

const pathOf = ({ indexPrefix }: ElasticsearchConnection, kind: Kind, generation: number): string =>
  `/_index_template/${encodeURIComponent(stemOf(indexPrefix, kind, generation))}`;
