import { RepositoryError } from '../contract.js';
import { member } from './answers.js';
import type { ElasticsearchConnection } from './connection.js';
import { completePublication } from './generations.js';
import { bringUpToDate, existingIndices, makeIndex, publishedOf, type ExistingIndex } from './indices.js';
import { hasPeriods, KINDS, stemOf } from './names.js';
import { ensureTemplate } from './templates.js';

/** The oldest major version that is supported. */
const MAJOR_LEAST = 8;

/** How often the searched generation may change while everything is made or checked. */
const TRIES = 5;

/**
 * Makes or checks everything that documents of a generation need. Another generation may be published meanwhile: what that
 * has made stays, and searches see no other.
 * @param wanted the generation; absent: the one that searches see, at first 1
 * @returns the generation
 * @throws RepositoryError UNAVAILABLE, in one sentence with what to do
 */
export async function prepareIndex(connection: ElasticsearchConnection, wanted: number | undefined): Promise<number> {
  await checkVersion(connection);
  let indices = await existing(connection);
  for (let tries = 1; tries <= TRIES; tries++) {
    const published = publishedOf(indices);
    const generation = wanted ?? published ?? 1;
    await makeGeneration(connection, indices, generation, published ?? (wanted === undefined ? generation : undefined));
    indices = await existing(connection);
    // Else what was just made may be of a generation that is no more, or hide the new one from searches.
    const now = publishedOf(indices);
    if (now === published || (published === undefined && now === generation)) return generation;
  }
  throw new RepositoryError('UNAVAILABLE', 'The index is being rebuilt again and again; try again later', true);
}

async function makeGeneration(
  connection: ElasticsearchConnection,
  indices: readonly ExistingIndex[],
  generation: number,
  published: number | undefined,
): Promise<void> {
  const templates = "the cluster privilege 'manage_index_templates'";
  for (const kind of KINDS)
    await naming(templates, ensureTemplate(connection, kind, generation, generation === published));
  const management = "the index privileges 'create_index' and 'manage'";
  if (published !== undefined) await naming(management, completePublication(connection, indices, published));
  const kept = indices.filter(({ generation: of }) => published === undefined || of >= published);
  await naming(management, bringUpToDate(connection, kept));
  for (const kind of KINDS)
    if (!hasPeriods(kind))
      await naming(management, makeIndex(connection, stemOf(connection.indexPrefix, kind, generation)));
}

const existing = (connection: ElasticsearchConnection): Promise<readonly ExistingIndex[]> =>
  naming("the index privilege 'view_index_metadata'", existingIndices(connection));

async function checkVersion(connection: ElasticsearchConnection): Promise<void> {
  const answer = await naming(
    "the cluster privilege 'monitor'",
    connection.request({ method: 'GET', path: '/_nodes/http', query: { filter_path: 'nodes.*.version' } }),
  );
  const nodes = member(answer, 'nodes');
  const versions = typeof nodes === 'object' && nodes !== null ? Object.values(nodes) : [];
  if (versions.length === 0)
    throw new RepositoryError('UNAVAILABLE', 'What answers is not Elasticsearch: check elasticsearch.nodes', false);
  for (const node of versions) {
    const version = String(member(node, 'version'));
    if (Number.parseInt(version, 10) < MAJOR_LEAST)
      throw new RepositoryError(
        'UNAVAILABLE',
        `Elasticsearch ${version} is too old: ${MAJOR_LEAST}.0 or newer is needed`,
        false,
      );
  }
}

/** Says which right is missing. */
async function naming<Answer>(right: string, answer: Promise<Answer>): Promise<Answer> {
  try {
    return await answer;
  } catch (error) {
    if (!(error instanceof RepositoryError)) throw error;
    if (error.message.includes('(403)'))
      throw new RepositoryError('UNAVAILABLE', `${error.message}: give the account ${right}`, error.retryable, error);
    if (error.code === 'UNAVAILABLE') throw error;
    throw new RepositoryError('UNAVAILABLE', error.message, error.retryable, error);
  }
}
