import { plain, stateKeyParts, text, type Plain } from './plain.js';
import type { TopicRecord } from './topics.js';

/** What of the index was compared. */
export interface IndexFindings {
  readonly violations: readonly string[];
  /** Documents by kind. */
  readonly compared: Readonly<Record<string, number>>;
}

const KINDS = ['executions', 'execution-records', 'task-runs', 'logs', 'metrics', 'triggers'] as const;
type Kind = (typeof KINDS)[number];
const PAGE = 1_000;

/**
 * What the index must have, as the topics tell: the newest state of each record of executions and triggers, and each entry of
 * logs and metrics.
 * Compared over Elasticsearch's own HTTP API.
 */
export class IndexCheck {
  /** Texts of records by kind and name. */
  readonly #wanted = new Map<Kind, Map<string, string>>(KINDS.map((kind) => [kind, new Map<string, string>()]));

  see({ topic, partition, offset, key, value }: TopicRecord): void {
    const parts = stateKeyParts(key);
    if (topic === 'logs' && value !== null && text(plain(value)['message']) !== '')
      this.#of('logs').set(`${partition}/${offset + 1}`, canonical(value));
    if (topic === 'metrics' && value !== null && text(plain(value)['name']) !== '')
      this.#of('metrics').set(`${partition}/${offset + 1}`, canonical(value));
    if (parts === undefined) return;
    const name = `${parts.key} ${parts.id}`;
    if (topic === 'triggers' && parts.id.startsWith('trigger/')) this.#put('triggers', name, value);
    // Bare removals are about the queue: what has ended stays in the index.
    if (topic === 'task-runs' && value !== null) this.#put('task-runs', name, value);
    if (topic !== 'executions' || value === null) return;
    if (parts.id !== 'head') this.#put('execution-records', name, value);
    else this.#put('executions', parts.key, value);
  }

  #put(kind: Kind, name: string, value: unknown): void {
    if (value === null || plain(value)['deleted'] === true) this.#of(kind).delete(name);
    else this.#of(kind).set(name, canonical(value));
  }

  #of(kind: Kind): Map<string, string> {
    const found = this.#wanted.get(kind);
    if (found === undefined) throw new Error(`There is no kind '${kind}'`);
    return found;
  }

  /** @param node address of Elasticsearch; the index must have caught up, and nothing may be written meanwhile */
  async compare(node: string, prefix: string): Promise<IndexFindings> {
    const violations: string[] = [];
    const compared: Record<string, number> = {};
    for (const kind of KINDS) {
      const wanted = new Map(this.#of(kind));
      compared[kind] = 0;
      for await (const source of documents(node, `${prefix}${kind}`)) {
        if (source['deleted'] === true) continue;
        compared[kind]++;
        const name = nameOf(kind, source);
        const expected = wanted.get(name);
        const found = canonical(JSON.parse(text(source['record'])));
        if (expected === undefined) violations.push(`The index has ${kind} '${name}', and the topics do not: ${found}`);
        else if (found !== expected)
          violations.push(
            `The index has ${kind} '${name}' as ${shortened(found)}, the topics as ${shortened(expected)}`,
          );
        wanted.delete(name);
      }
      for (const [name, record] of wanted)
        violations.push(`The index does not have ${kind} '${name}': ${shortened(record)}`);
    }
    return { violations, compared };
  }
}

function nameOf(kind: Kind, source: Plain): string {
  const key = text(source['key']);
  switch (kind) {
    case 'executions':
      return key;
    case 'execution-records':
    case 'task-runs':
      return `${key} ${text(source['id'])}`;
    case 'logs':
    case 'metrics':
      return `${String(source['partition'])}/${String(source['position'])}`;
    case 'triggers':
      return `${text(source['flowKey'])} trigger/${text(source['triggerId'])}`;
    default:
      return kind satisfies never;
  }
}

/** Every document of an alias, by a point in time. */
async function* documents(node: string, alias: string): AsyncGenerator<Plain> {
  await ask(`${node}/${alias}/_refresh`, 'POST');
  let { id } = await ask(`${node}/${alias}/_pit?keep_alive=2m`, 'POST');
  for (let after: unknown; ;) {
    const answer = await ask(`${node}/_search`, 'POST', {
      size: PAGE,
      pit: { id, keep_alive: '2m' },
      sort: ['_shard_doc'],
      track_total_hits: false,
      ...(after === undefined ? {} : { search_after: after }),
    });
    const hits = plain(answer['hits'])['hits'];
    if (!Array.isArray(hits) || hits.length === 0) break;
    for (const hit of hits) yield plain(plain(hit)['_source']);
    after = plain(hits.at(-1))['sort'];
    id = answer['pit_id'];
  }
  await ask(`${node}/_pit`, 'DELETE', { id });
}

async function ask(url: string, method: string, body?: object): Promise<Plain> {
  const answer = await fetch(url, {
    method,
    ...(body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  });
  if (!answer.ok) throw new Error(`${method} ${url}: ${answer.status} ${await answer.text()}`);
  return plain(await answer.json());
}

/** The same text for the same content, whatever the order of members. */
const canonical = (value: unknown): string =>
  JSON.stringify(value, (_name, member: unknown) =>
    typeof member === 'object' && member !== null && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).sort(([one], [other]) => (one < other ? -1 : 1)))
      : member,
  );

const shortened = (record: string): string => (record.length > 400 ? `${record.slice(0, 400)} …` : record);
