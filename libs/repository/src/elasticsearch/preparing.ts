import { RepositoryError } from '../contract.js';
import { member } from './answers.js';
import type { ElasticsearchConnection } from './connection.js';
import { bringUpToDate, existingIndices, makeIndex, putTemplate } from './indices.js';
import { hasPeriods, KINDS, stemOf } from './names.js';

/** The oldest major version that is supported. */
const MAJOR_LEAST = 8;

/**
 * Makes or checks everything that documents of a generation need.
 * @param wanted the generation; absent: the one that searches see, at first 1
 * @returns the generation
 * @throws RepositoryError UNAVAILABLE, in one sentence with what to do
 */
export async function prepareIndex(connection: ElasticsearchConnection, wanted: number | undefined): Promise<number> {
  await checkVersion(connection);
  const indices = await naming("the index privilege 'view_index_metadata'", existingIndices(connection));
  const published = indices.find(({ isPublished }) => isPublished)?.generation;
  const generation = wanted ?? published ?? 1;
  const isPublished = published === undefined ? wanted === undefined : generation === published;
  const templates = "the cluster privilege 'manage_index_templates'";
  for (const kind of KINDS) await naming(templates, putTemplate(connection, kind, generation, isPublished));
  const management = "the index privileges 'create_index' and 'manage'";
  await naming(management, bringUpToDate(connection, indices));
  for (const kind of KINDS)
    if (!hasPeriods(kind))
      await naming(management, makeIndex(connection, stemOf(connection.indexPrefix, kind, generation)));
  return generation;
}

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
