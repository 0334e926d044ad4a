import type { IndexStore, RepositoryPart } from '@millrace/repository';
import {
  connectElasticsearch,
  createElasticsearchPart,
  createIndexStore,
  type ElasticsearchConnection,
} from '@millrace/repository/elasticsearch';

const KINDS = ['executions', 'execution-records', 'task-runs', 'logs', 'metrics', 'triggers'];

type Source = Readonly<Record<string, unknown>>;

/** The indices of one test on a real node, and what searches find in them. */
export class AnElasticsearch {
  readonly #connection: ElasticsearchConnection;
  readonly #opened: IndexStore[] = [];

  constructor(
    readonly url: string,
    readonly prefix: string,
  ) {
    this.#connection = connectElasticsearch({
      nodes: [url],
      indexPrefix: prefix,
      shards: 1,
      replicas: 0,
      requestTimeoutMs: 10_000,
    });
  }

  async open(generation?: number): Promise<IndexStore> {
    const store = createIndexStore({
      connection: this.#connection,
      ...(generation === undefined ? {} : { generation }),
    });
    this.#opened.push(store);
    return store;
  }

  /** What webservers read. */
  part(): RepositoryPart {
    return createElasticsearchPart(this.#connection);
  }

  async close(): Promise<void> {
    await Promise.all(this.#opened.map((store) => store.close()));
    await this.#connection.close();
  }

  refresh(): Promise<unknown> {
    return this.#ask(`/${this.prefix}*/_refresh`);
  }

  /** The records that searches of a kind find. */
  async records(kind: string): Promise<readonly Source[]> {
    const found = await this.#documents(kind);
    return found.map(({ source }) => JSON.parse(String(source['record'])) as Source);
  }

  /** Every document that searches find, by kind and id. */
  async all(): Promise<Source> {
    const all: Record<string, Source> = {};
    for (const kind of KINDS) for (const { id, source } of await this.#documents(kind)) all[`${kind}/${id}`] = source;
    return all;
  }

  async #documents(kind: string): Promise<readonly { readonly id: string; readonly source: Source }[]> {
    const answer = (await this.#ask(`/${this.prefix}${kind}/_search?ignore_unavailable=true`, { size: 10_000 })) as {
      readonly hits: { readonly hits: readonly { readonly _id: string; readonly _source: Source }[] };
    };
    return answer.hits.hits.map(({ _id, _source }) => ({ id: _id, source: _source }));
  }

  async #ask(path: string, body?: object): Promise<unknown> {
    const response = await fetch(`${this.url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return response.json();
  }
}
