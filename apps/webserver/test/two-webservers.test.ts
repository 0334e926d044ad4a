import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createExecutor } from '@millrace/executor';
import { DEFAULT_GROUP, newId, USERS_KEY, type Clock } from '@millrace/model';
import { createTaskTypeRegistry } from '@millrace/plugin-api';
import { plugin as core } from '@millrace/plugin-core';
import { createMemoryQueue, createMemoryStore } from '@millrace/queue/memory';
import type { Repository } from '@millrace/repository';
import { openOverlay } from '@millrace/repository/overlay';
import { createMetrics, systemClock, type ServiceContext } from '@millrace/service';
import { createLocalStorage } from '@millrace/storage/local';
import { createWebserver, type Webserver } from '../src/index.js';
import { laggingQueue } from './lagging-queue.js';
import { BASIC, CHEAP, createRecordingLog, PASSWORD, topics, USER } from './server.js';

const FLOWS = '/api/v1/main/flows';
const EXECUTIONS = '/api/v1/main/executions';

/** A flow of two tasks that end in the executor. */
const flow = (id: string, message = 'hello'): string =>
  `id: ${id}\nnamespace: test\ntasks:\n  - {id: log, type: core.log.Log, message: ${message}}\n  - {id: give, type: core.debug.Return, format: done}\n`;

/** Servers of one cluster in this process, each with a connection, and a view of the queue, of its own. */
function createCluster() {
  const folder = mkdtempSync(join(tmpdir(), 'two-webservers-'));
  const store = createMemoryStore();
  const storage = createLocalStorage({ directory: join(folder, 'storage') });
  const registry = createTaskTypeRegistry([core]);
  const { log, entries } = createRecordingLog();
  const closing: (() => Promise<unknown>)[] = [];

  const connect = (clock: Clock = systemClock) => {
    const queue = createMemoryQueue({ store, clock });
    const instance = newId(clock.now(), randomBytes(16));
    const context: ServiceContext = { instance, clock, log, metrics: createMetrics({ process: false }) };
    return { queue, context };
  };
  return {
    entries,
    async executor(): Promise<void> {
      const { queue, context } = connect();
      const executor = createExecutor({ context, queue, topics, registry, ownWorkerGroup: DEFAULT_GROUP });
      closing.push(async () => {
        await executor.stop();
        await queue.close();
      });
      await executor.start();
    },
    /** Not started yet. */
    async webserver(clock?: Clock): Promise<Webserver> {
      const { queue: own, context } = connect(clock);
      const queue = laggingQueue(own);
      const copies = join(folder, 'overlay');
      mkdirSync(copies, { recursive: true });
      const repository: Repository = await openOverlay({
        queue,
        topics,
        folder: copies,
        clock: context.clock,
        onError: (error) => {
          throw error;
        },
      });
      const webserver = createWebserver({
        context,
        queue,
        topics,
        storage,
        repository,
        registry,
        passwordCost: CHEAP,
        configuration: { host: '127.0.0.1', port: 0 },
        initialAccount: { username: USER, password: { reveal: () => PASSWORD } },
      });
      closing.push(async () => {
        await webserver.stop();
        await repository.close();
        await queue.close();
      });
      return webserver;
    },
    async users(): Promise<number> {
      const { queue } = connect();
      const view = await queue.view(topics.resources);
      const count = [...view.records(USERS_KEY).values()].filter(({ kind }) => kind === 'user').length;
      await queue.close();
      return count;
    },
    async stop(): Promise<void> {
      for (const close of closing.splice(0).reverse()) await close();
      await storage.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly json: () => Record<string, unknown>;
  readonly headers: Headers;
}

async function send(
  { url }: Webserver,
  method: string,
  path: string,
  { body, ...headers }: { readonly body?: string } & Record<string, string> = {},
): Promise<Answer> {
  const sent = new Headers({ authorization: BASIC, ...headers });
  if (sent.get('authorization') === 'none') sent.delete('authorization');
  const response = await fetch(`${url}${path}`, {
    method,
    headers: sent,
    ...(body === undefined ? {} : { body }),
  });
  const text = await response.text();
  return { status: response.status, text, headers: response.headers, json: () => JSON.parse(text) };
}

const save = (webserver: Webserver, method: 'POST' | 'PUT', id: string, message?: string): Promise<Answer> =>
  send(webserver, method, method === 'POST' ? FLOWS : `${FLOWS}/test/${id}`, {
    body: flow(id, message),
    'content-type': 'application/x-yaml',
  });

describe('two webservers of one cluster', () => {
  const cluster = createCluster();
  let one: Webserver;
  let other: Webserver;
  beforeAll(async () => {
    await cluster.executor();
    [one, other] = [await cluster.webserver(), await cluster.webserver()];
    await one.start();
    await other.start();
  });
  afterAll(() => cluster.stop());

  it.each([
    ['shown', 'GET', `${FLOWS}/test/ID`, 1],
    ['listed with its revisions', 'GET', `${FLOWS}/test/ID/revisions`, 1],
    ['shown task by task', 'GET', `${FLOWS}/test/ID/tasks/log`, 'log'],
    ['started', 'POST', `${EXECUTIONS}/test/ID`, 1],
    ['started with wait', 'POST', `${EXECUTIONS}/test/ID?wait=true`, 1],
  ])('a flow that was saved through one is %s by the other at once', async (what, method, path, expected) => {
    const id = what.replaceAll(' ', '-');
    expect((await save(one, 'POST', id)).status).toBe(200);
    const { status, json } = await send(other, method, path.replace('ID', id));
    expect(status).toBe(200);
    const answer = json();
    const told = Array.isArray(answer) ? answer.length : (answer['flowRevision'] ?? answer['revision'] ?? answer['id']);
    expect(told).toBe(expected);
  });

  it('a flow that was saved through one is changed, and deleted, by the other at once', async () => {
    expect((await save(one, 'POST', 'changed')).status).toBe(200);
    expect((await save(other, 'PUT', 'changed', 'new')).json()['revision']).toBe(2);
    // What was saved last is what runs, whoever is asked.
    expect((await send(one, 'POST', `${EXECUTIONS}/test/changed`)).json()['flowRevision']).toBe(2);
    expect((await send(other, 'DELETE', `${FLOWS}/test/changed`)).status).toBe(204);
    expect((await send(one, 'GET', `${FLOWS}/test/changed`)).status).toBe(404);
  });

  it('a worker group that was registered through one is named by flows of the other at once', async () => {
    const body = (value: object) => ({ body: JSON.stringify(value), 'content-type': 'application/json' });
    const groups = '/api/v1/instance/workergroups';
    expect((await send(one, 'POST', groups, body({ key: 'gpu' }))).status).toBe(200);
    const source = `id: grouped\nnamespace: test\nworkerGroup: {key: gpu}\ntasks: [{id: nap, type: core.flow.Sleep, duration: PT1H}]\n`;
    const yaml = { body: source, 'content-type': 'application/x-yaml' };
    const [checked] = (await send(other, 'POST', `${FLOWS}/validate`, yaml)).json() as unknown as [object];
    expect(checked).not.toHaveProperty('constraints');
    expect((await send(other, 'POST', FLOWS, yaml)).status).toBe(200);
    const namespace = body({ id: 'test', workerGroup: { key: 'gpu' } });
    expect((await send(other, 'POST', '/api/v1/main/namespaces', namespace)).status).toBe(200);
    expect((await send(one, 'GET', '/api/v1/main/namespaces/test')).json()).toMatchObject({
      workerGroup: { key: 'gpu' },
    });
  });

  it('what nobody has saved is not found', async () => {
    expect((await send(one, 'GET', `${FLOWS}/test/nothing`)).status).toBe(404);
    expect((await send(other, 'POST', `${EXECUTIONS}/test/nothing`)).status).toBe(404);
  });

  it('an execution that was started through one is read, followed and searched by the other', async () => {
    await save(one, 'POST', 'followed');
    const id = String((await send(one, 'POST', `${EXECUTIONS}/test/followed`)).json()['id']);
    const [read, followed, log] = await Promise.all([
      send(other, 'GET', `${EXECUTIONS}/${id}`),
      send(other, 'GET', `${EXECUTIONS}/${id}/follow`),
      send(other, 'GET', `/api/v1/main/logs/${id}/follow`),
    ]);
    expect([read.status, read.json()['id']]).toEqual([200, id]);
    const end = followed.text.slice(followed.text.indexOf('id: end'));
    expect(end).toContain('"current":"SUCCESS"');
    expect(log.text).toContain('hello');
    const ended = await send(other, 'GET', `${EXECUTIONS}/${id}`);
    expect(statesOf(ended)).toEqual(['SUCCESS', 'SUCCESS', 'SUCCESS']);
    expect((await send(other, 'GET', `${EXECUTIONS}/search?filters[flowId][EQUALS]=followed`)).json()).toMatchObject({
      total: 1,
      results: [{ id, state: { current: 'SUCCESS' } }],
    });
  });

  it('an answer to wait=true has all of the execution', async () => {
    await save(one, 'POST', 'waited');
    for (const webserver of [one, other, one, other]) {
      const answer = await send(webserver, 'POST', `${EXECUTIONS}/test/waited?wait=true`);
      expect(statesOf(answer)).toEqual(['SUCCESS', 'SUCCESS', 'SUCCESS']);
    }
  });

  it('two concurrent saves are two revisions, or one is refused', async () => {
    await save(one, 'POST', 'raced');
    for (let before = 1; before < 20;) {
      const answers = await Promise.all([
        save(one, 'PUT', 'raced', `left-${before}`),
        save(other, 'PUT', 'raced', `right-${before}`),
      ]);
      expect(answers.map(({ status }) => [200, 409].includes(status))).toEqual([true, true]);
      const saved = answers.flatMap(({ status, json }) => (status === 200 ? [Number(json()['revision'])] : []));
      expect(saved.length).toBeGreaterThan(0);
      expect(saved.sort((a, b) => a - b)).toEqual([before + 1, before + 2].slice(0, saved.length));
      before += saved.length;
      const { text } = await send(one, 'GET', `${FLOWS}/test/raced/revisions`);
      expect((JSON.parse(text) as unknown[]).length).toBe(before);
    }
  });

  it('exactly one of two creates what did not exist', async () => {
    for (let n = 0; n < 10; n++) {
      const answers = await Promise.all([save(one, 'POST', `created-${n}`), save(other, 'POST', `created-${n}`)]);
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 422]);
    }
  });

  it('a session is known where it was begun, Basic everywhere', async () => {
    const login = await send(one, 'POST', '/login', {
      body: JSON.stringify({ username: USER, password: PASSWORD }),
      'content-type': 'application/json',
      authorization: 'none',
    });
    const [cookie = ''] = (login.headers.get('set-cookie') ?? '').split(';');
    expect(login.status).toBe(200);
    expect((await send(one, 'GET', '/api/v1/me', { cookie, authorization: 'none' })).status).toBe(200);
    expect((await send(other, 'GET', '/api/v1/me', { cookie, authorization: 'none' })).status).toBe(401);
    expect((await send(other, 'GET', '/api/v1/me')).status).toBe(200);
  });
});

/** Of an execution and its task runs. */
function statesOf({ json }: Answer): unknown[] {
  const { state, taskRunList } = json() as unknown as {
    readonly state: { readonly current: string };
    readonly taskRunList: readonly { readonly state: { readonly current: string } }[];
  };
  return [state.current, ...taskRunList.map((taskRun) => taskRun.state.current)];
}

describe('webservers of a cluster that has no account yet', () => {
  let cluster: ReturnType<typeof createCluster>;
  beforeEach(() => (cluster = createCluster()));
  afterEach(() => cluster.stop());

  it('make one account when they start at once, and all let it in', async () => {
    await cluster.executor();
    const webservers = await Promise.all([cluster.webserver(), cluster.webserver(), cluster.webserver()]);
    await Promise.all(webservers.map((webserver) => webserver.start()));
    expect(await cluster.users()).toBe(1);
    for (const webserver of webservers) expect((await send(webserver, 'GET', '/api/v1/me')).status).toBe(200);
  });

  it('start without an executor and say so; the account is there when one has come', async () => {
    // What takes the owner's answer too long is over at once.
    const impatient: Clock = {
      now: () => systemClock.now(),
      after: (ms, run) => systemClock.after(ms === 10_000 ? 0 : ms, run),
    };
    const webserver = await cluster.webserver(impatient);
    await webserver.start();
    expect(cluster.entries.filter(({ level }) => level === 'warn').map(({ message }) => message)).toContainEqual(
      expect.stringContaining('it will be there when an executor runs'),
    );
    const second = await cluster.webserver();
    const started = second.start();
    await cluster.executor();
    await started;
    expect(await cluster.users()).toBe(1);
    expect((await send(second, 'GET', '/api/v1/me')).status).toBe(200);
  });
});
