import { Scope } from '@millrace/authorization';
import { keyOf, type LogEntry } from '@millrace/model';
import type { LoggedRecord } from '@millrace/queue';
import { createElasticsearchPart, createIndexStore, type ElasticsearchConnection } from '../src/elasticsearch/index.js';
import type { IndexStore } from '../src/index.js';
import { AnAnsweringServer, type Answer, type Asked } from './an-answering-server.js';
import { logOf, START } from './database.js';
import { connectTo } from './indexed.js';

let server: AnAnsweringServer;
let connection: ElasticsearchConnection;
let store: IndexStore;
beforeEach(async () => {
  server = new AnAnsweringServer();
  await server.start();
  connection = connectTo(server.url, 'test-');
  store = createIndexStore({ connection });
});
afterEach(async () => {
  await connection.close();
  await server.stop();
});

const entry = (line: number): LoggedRecord<LogEntry> => ({
  key: keyOf('main', 'e1'),
  id: '',
  value: logOf('e1', line),
  partition: 0,
  offset: line,
  writtenAt: START,
});
const entries = (count: number): LoggedRecord<LogEntry>[] => Array.from({ length: count }, (_, line) => entry(line));

const failure = (type: string, reason: string): object => ({ error: { type, reason, root_cause: [{ type, reason }] } });

/** How many documents a bulk request has. */
const sizeOf = ({ body }: Asked): number => body.trimEnd().split('\n').length / 2;

/** A bulk of which each item has an answer of its own. */
const items = (...answers: readonly { readonly status: number; readonly type?: string }[]): Answer => ({
  status: 200,
  body: {
    errors: answers.some(({ type }) => type !== undefined),
    items: answers.map(({ status, type }) => ({
      index: { status, ...(type === undefined ? {} : { error: { type, reason: 'so it is' } }) },
    })),
  },
});

describe('a document that is not taken', () => {
  it.each([
    [429, 'es_rejected_execution_exception', 'retry'],
    [500, 'io_exception', 'retry'],
    [503, 'unavailable_shards_exception', 'retry'],
    [400, 'document_parsing_exception', 'rejected'],
    [409, 'version_conflict_engine_exception', 'newer-there'],
  ] as const)('with status %i (%s) is settled as %s, and the others are written', async (status, type, kind) => {
    server.answer = () => items({ status: 201 }, { status, type }, { status: 200 });
    const settlements = await store.write('logs', entries(3));
    expect(settlements.map((settlement) => settlement.kind)).toEqual(['written', kind, 'written']);
    if (kind !== 'newer-there') expect(settlements[1]).toHaveProperty('reason', `${type}: so it is`);
  });

  it.each([
    [403, 'security_exception'],
    [403, 'cluster_block_exception'],
    [404, 'index_not_found_exception'],
    [429, 'cluster_block_exception'],
  ])('for a reason that is not its own (%i %s): all are written again', async (status, type) => {
    server.answer = () => items({ status: 201 }, { status, type });
    await expect(store.write('logs', entries(2))).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      retryable: true,
      message: expect.stringContaining(`does not take documents in 'test-logs-v1-2026.11.22': ${type}`),
    });
  });

  it('of which nothing is said is not taken for written', async () => {
    server.answer = () => ({ status: 200, body: { errors: true, items: [] } });
    await expect(store.write('logs', entries(1))).rejects.toMatchObject({ code: 'UNAVAILABLE', retryable: true });
  });
});

describe('a bulk that fails as a whole', () => {
  it.each([
    [429, 'overloaded \\(429\\)'],
    [500, 'answered with status 500'],
    [502, 'answered with status 502'],
    [503, 'answered with status 503'],
    [401, 'does not accept the account or API key \\(401\\)'],
    [403, 'does not allow it \\(403\\)'],
    [400, 'cannot answer this'],
  ])('with status %i is an outage: whoever writes tries again', async (status, said) => {
    server.answer = () => ({ status, body: failure('some_exception', 'so it is') });
    await expect(store.write('logs', entries(2))).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      retryable: true,
      message: expect.stringMatching(`${said}.*so it is`),
    });
    expect(server.asked).toHaveLength(1);
  });

  it('because nobody answers is one, too', async () => {
    await server.stop();
    await expect(store.write('logs', entries(2))).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      retryable: true,
      message: expect.stringMatching(/cannot be reached.*check that it runs, and elasticsearch.nodes/),
    });
    await server.start();
  });
});

describe('a bulk that is too large for the server (413)', () => {
  const tooLarge: Answer = { status: 413, body: failure('too_large', 'Request Entity Too Large') };

  it('is halved until it is taken', async () => {
    server.answer = (asked) => (sizeOf(asked) > 2 ? tooLarge : { status: 200, body: { errors: false, items: [] } });
    const settlements = await store.write('logs', entries(7));
    expect(settlements.map(({ kind }) => kind)).toEqual(Array.from({ length: 7 }, () => 'written'));
    expect(server.asked.map(sizeOf)).toEqual([7, 4, 2, 2, 3, 2, 1]);
  });

  it('a single document that is too large is refused, and the others are written', async () => {
    server.answer = (asked) =>
      asked.body.includes('line 2') ? tooLarge : { status: 200, body: { errors: false, items: [] } };
    const settlements = await store.write('logs', entries(4));
    expect(settlements.map(({ kind }) => kind)).toEqual(['written', 'written', 'rejected', 'written']);
    expect(settlements[2]).toHaveProperty('reason', expect.stringContaining('http.max_content_length'));
  });
});

describe('preparing', () => {
  const VERSION: Answer = { status: 200, body: { nodes: { one: { version: '8.19.0' } } } };

  it('with a wrong account says so', async () => {
    server.answer = () => ({
      status: 401,
      body: failure('security_exception', 'unable to authenticate user [millrace]'),
    });
    await expect(store.prepare()).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      message: expect.stringMatching(/does not accept the account or API key \(401\): unable to authenticate user/),
    });
  });

  it.each([
    ['GET', /^\/_nodes\/http$/, "the cluster privilege 'monitor'"],
    ['GET', /\/_alias$/, "the index privilege 'view_index_metadata'"],
    ['PUT', /^\/_index_template\//, "the cluster privilege 'manage_index_templates'"],
    ['PUT', /^\/test-[^/]*$/, "the index privileges 'create_index' and 'manage'"],
  ])('without the right to %s %s says which right is missing', async (method, path, right) => {
    server.answer = (asked) => {
      if (asked.method === method && path.test(asked.path))
        return { status: 403, body: failure('security_exception', 'action is unauthorized') };
      if (asked.path.startsWith('/_nodes')) return VERSION;
      return asked.method === 'GET' ? { status: 404, body: {} } : { status: 200, body: {} };
    };
    await expect(store.prepare()).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      message: expect.stringContaining(`does not allow it (403): action is unauthorized: give the account ${right}`),
    });
  });

  it('refuses a server that is too old', async () => {
    server.answer = () => ({ status: 200, body: { nodes: { one: { version: '7.17.9' } } } });
    await expect(store.prepare()).rejects.toMatchObject({
      retryable: false,
      message: 'Elasticsearch 7.17.9 is too old: 8.0 or newer is needed',
    });
  });
});

it.each([
  [429, 'BUSY'],
  [503, 'UNAVAILABLE'],
  [401, 'UNAVAILABLE'],
])('a search that is answered with %i fails with %s', async (status, code) => {
  server.answer = () => ({ status, body: failure('some_exception', 'so it is') });
  const part = createElasticsearchPart(connection);
  const search = part.searchLogs(Scope.system('main'), { sort: [], filters: [], now: START }, { from: 0, size: 10 });
  await expect(search).rejects.toMatchObject({ code, retryable: true });
});
