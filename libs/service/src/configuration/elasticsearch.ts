import type { Secret } from '../secret.js';
import type { Configuration } from './schema.js';
import { passwordOf, problem, readPem } from './setting-files.js';

/** What `elasticsearch.*` says, with its files read; times in milliseconds. */
export interface ElasticsearchSettings {
  readonly nodes: readonly string[];
  readonly account?: { readonly username: string; readonly password: Secret };
  /** Instead of an account. */
  readonly apiKey?: Secret;
  /** PEM text. */
  readonly certificateAuthority?: string;
  readonly indexPrefix: string;
  readonly shards: number;
  readonly replicas: number;
  readonly requestTimeoutMs: number;
  /** How long what is in the index stays there; absent: for ever. */
  readonly retention: { readonly executions?: number; readonly logs?: number; readonly metrics?: number };
}

/**
 * Reads the files that `elasticsearch.*` names and checks what the schema cannot.
 * @throws ConfigurationError with the key that is wrong
 */
export function elasticsearchSettings({ elasticsearch }: Configuration): ElasticsearchSettings {
  const { nodes = [], username, apiKey, ca, indexPrefix, shards, replicas, requestTimeout, retention } = elasticsearch;
  return {
    nodes: nodes.map(checkedNode),
    ...(username === undefined ? {} : { account: { username, password: passwordOf('elasticsearch', elasticsearch) } }),
    ...(apiKey === undefined ? {} : { apiKey }),
    ...(ca === undefined ? {} : { certificateAuthority: readPem('elasticsearch.ca', ca) }),
    indexPrefix,
    shards,
    replicas,
    requestTimeoutMs: requestTimeout,
    retention,
  };
}

function checkedNode(address: string): string {
  if (!URL.canParse(address))
    throw problem('configuration', `'elasticsearch.nodes' lists '${address}', which is no address`);
  const { username, password, host } = new URL(address);
  if (username === '' && password === '') return address;
  // Addresses are shown in messages; a password must not be.
  throw problem(
    'configuration',
    `'elasticsearch.nodes' has an account in the address of ${host}: set elasticsearch.username and elasticsearch.password instead`,
  );
}
