import { Client } from '@elastic/elasticsearch';
import { unavailable } from './failures.js';

export interface ElasticsearchOptions {
  /** Addresses: https://host:9200. */
  readonly nodes: readonly string[];
  readonly auth?: { readonly username: string; readonly password: string } | { readonly apiKey: string };
  /** PEM text of the authority that signed the certificates. */
  readonly ca?: string;
  /** Before the names of indices, aliases and templates. */
  readonly indexPrefix: string;
  /** Primary shards of each index that is made. */
  readonly shards: number;
  /** Copies of each shard beside the primary. */
  readonly replicas: number;
  readonly requestTimeoutMs: number;
}

export interface ElasticsearchRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE' | 'HEAD';
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean>>;
  readonly body?: object;
  /** Lines of JSON, instead of `body`. */
  readonly lines?: readonly string[];
  /** Statuses that are an answer and no failure, beside those from 200 on. */
  readonly accept?: readonly number[];
  /** For requests that may take longer than others. */
  readonly timeoutMs?: number;
}

/** Requests to an Elasticsearch cluster. */
export interface ElasticsearchConnection {
  readonly indexPrefix: string;
  readonly shards: number;
  readonly replicas: number;
  /**
   * The body of the answer; undefined with a status that `accept` names.
   * @throws RepositoryError UNAVAILABLE, BUSY, INVALID_QUERY, as `failureOf` says
   */
  request(request: ElasticsearchRequest): Promise<unknown>;
  close(): Promise<void>;
}

/** Nobody is asked before the first request. */
export function connectElasticsearch(options: ElasticsearchOptions): ElasticsearchConnection {
  const { nodes, auth, ca, indexPrefix, shards, replicas, requestTimeoutMs } = options;
  const client = new Client({
    nodes: [...nodes],
    ...(auth === undefined ? {} : { auth }),
    ...(ca === undefined ? {} : { tls: { ca } }),
    requestTimeout: requestTimeoutMs,
    // Another node may answer; whoever asks decides about more.
    maxRetries: nodes.length - 1,
  });
  return {
    indexPrefix,
    shards,
    replicas,
    async request({ method, path, query, body, lines, accept = [], timeoutMs }) {
      try {
        const parameters = {
          method,
          path,
          ...(query === undefined ? {} : { querystring: { ...query } }),
          ...(body === undefined ? {} : { body }),
          ...(lines === undefined ? {} : { bulkBody: [...lines] }),
        };
        const answer = await client.transport.request<unknown>(parameters, {
          meta: true,
          ignore: [...accept],
          headers: { accept: 'application/json', 'content-type': lines ? 'application/x-ndjson' : 'application/json' },
          ...(timeoutMs === undefined ? {} : { requestTimeout: timeoutMs }),
        });
        return accept.includes(answer.statusCode ?? 200) ? undefined : answer.body;
      } catch (error) {
        throw unavailable(error, nodes);
      }
    },
    close: () => client.close(),
  };
}
