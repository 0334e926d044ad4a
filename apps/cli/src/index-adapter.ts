import type { LogQueue, Queue } from '@millrace/queue';
import type { IndexStore, RepositoryPart } from '@millrace/repository';
import type { ElasticsearchConnection, ElasticsearchOptions } from '@millrace/repository/elasticsearch';
import { elasticsearchSettings, type Configuration } from '@millrace/service';
import { CommandFailure, EXIT } from './exit-code.js';

/** What keeps an index: the log that it is made from, and the store. */
export interface IndexAdapter {
  readonly queue: Queue & Pick<LogQueue, 'consume'>;
  /**
   * The generation with this number; without one, that which is searched, as `prepare` finds it. Nobody is asked before that.
   */
  open(generation?: number): Promise<IndexStore>;
  /** Ends the connections, when nobody uses the index any more. */
  close(): Promise<void>;
}

/** Nobody is asked before the first `open`. @throws ConfigurationError when a file cannot be read */
export function openIndex(configuration: Configuration, queue: IndexAdapter['queue']): IndexAdapter {
  const options = elasticsearchOptions(configuration);
  let connection: ElasticsearchConnection | undefined;
  return {
    queue,
    async open(generation) {
      // The client is loaded only where it is used.
      const { connectElasticsearch, createIndexStore } = await import('@millrace/repository/elasticsearch');
      connection ??= connectElasticsearch(options);
      return createIndexStore({ connection, ...(generation === undefined ? {} : { generation }) });
    },
    async close() {
      await connection?.close();
    },
  };
}

/** What is searched, over connections of its own. Nobody is asked before the first search. @throws ConfigurationError */
export async function openIndexPart(configuration: Configuration): Promise<RepositoryPart> {
  const { connectElasticsearch, createElasticsearchPart } = await import('@millrace/repository/elasticsearch');
  const connection = connectElasticsearch(elasticsearchOptions(configuration));
  return { ...createElasticsearchPart(connection), close: () => connection.close() };
}

/** `elasticsearch.*` as the repository takes it. @throws ConfigurationError when a file cannot be read */
export function elasticsearchOptions(configuration: Configuration): ElasticsearchOptions {
  const { nodes, account, apiKey, certificateAuthority, indexPrefix, shards, replicas, requestTimeoutMs } =
    elasticsearchSettings(configuration);
  return {
    nodes,
    ...(account && { auth: { username: account.username, password: account.password.reveal() } }),
    ...(apiKey && { auth: { apiKey: apiKey.reveal() } }),
    ...(certificateAuthority === undefined ? {} : { ca: certificateAuthority }),
    indexPrefix,
    shards,
    replicas,
    requestTimeoutMs,
  };
}

/** A command that is of no use without an index. */
export const noIndex = (what: string): CommandFailure =>
  new CommandFailure(
    EXIT.usage,
    `'${what}' is for an index in Elasticsearch: set repository.type to 'elasticsearch' and elasticsearch.nodes to its addresses`,
  );
