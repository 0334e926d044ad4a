import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createExecutor } from '@millrace/executor';
import { createScheduler } from '@millrace/scheduler';
import {
  createTopics,
  DEFAULT_GROUP,
  keyOf,
  newId,
  outgoing,
  type Clock,
  type LogEntry,
  type OutgoingRecord,
  type Topic,
} from '@millrace/model';
import { createTaskTypeRegistry } from '@millrace/plugin-api';
import { plugin as core } from '@millrace/plugin-core';
import type { Queue } from '@millrace/queue';
import { createSqlQueue } from '@millrace/queue/sql';
import { createSqlRepository } from '@millrace/repository/sql';
import { createMetrics, systemClock, type Logger, type ServiceContext } from '@millrace/service';
import { createLocalStorage } from '@millrace/storage/local';
import { createWebserver, type Webserver, type WebserverConfiguration } from '../src/index.js';

export const topics = createTopics({ executionPartitions: 2, resourcePartitions: 2 });
export const USER = 'ada@example.com';
export const PASSWORD = 'correct horse battery';
export const BASIC = `Basic ${Buffer.from(`${USER}:${PASSWORD}`).toString('base64')}`;

const ACCOUNT = { username: USER, password: PASSWORD };
const NOBODY = { username: '', password: '' };

/** As cheap as the library allows, so that tests do not wait for hashes. */
export const CHEAP = { memoryKib: 8, passes: 1, lanes: 1 };

export interface TestServerOptions {
  readonly account?: boolean;
  readonly configuration?: Partial<WebserverConfiguration>;
  readonly clock?: Clock;
  /** Without one, commands are never answered. */
  readonly executor?: boolean;
  /** Without one, triggers have no state. */
  readonly scheduler?: boolean;
}

/** A logger that keeps what was written. */
export function createRecordingLog() {
  const entries: { readonly level: string; readonly fields: object; readonly message: string }[] = [];
  const at = (level: string) => (fields: object, message: string) => void entries.push({ level, fields, message });
  const log: Logger = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error'), child: () => log };
  return { log, entries };
}

/** All that a server stands on, real and in one process: embedded queue, local storage, an executor that may be started. */
export function createInstallation(clock: Clock = systemClock) {
  const folder = mkdtempSync(join(tmpdir(), 'webserver-'));
  const file = join(folder, 'millrace.db');
  const { log, entries } = createRecordingLog();
  const metrics = createMetrics({ process: false });
  const context: ServiceContext = { instance: newId(clock.now(), new Uint8Array(16).fill(7)), clock, log, metrics };
  const queue: Queue = createSqlQueue({
    file,
    clock: systemClock,
    topics: [topics.executions, topics.taskRuns, topics.logs, topics.metrics, topics.triggers],
  });
  const registry = createTaskTypeRegistry([core]);
  const storage = createLocalStorage({ directory: join(folder, 'storage') });
  const repository = createSqlRepository({ file });
  const other = (digit: number): ServiceContext => ({
    ...context,
    instance: newId(clock.now(), new Uint8Array(16).fill(digit)),
  });
  const executing = createExecutor({ context: other(8), queue, topics, registry, ownWorkerGroup: DEFAULT_GROUP });
  const scheduling = createScheduler({ context: other(9), queue, topics, registry, timeZone: 'UTC' });
  const made: Webserver[] = [];
  return {
    queue,
    repository,
    storage,
    metrics,
    entries,
    executing,
    scheduling,
    /** Not started yet. */
    webserver(configuration: Partial<WebserverConfiguration>, { username, password } = ACCOUNT): Webserver {
      const webserver = createWebserver({
        context,
        queue,
        topics,
        storage,
        repository,
        registry,
        passwordCost: CHEAP,
        configuration: { host: '127.0.0.1', port: 0, ...configuration },
        ...(username !== '' && { initialAccount: { username, password: { reveal: () => password } } }),
      });
      made.push(webserver);
      return webserver;
    },
    /** Resolves when the next record of a topic can be waited for. */
    async published<Value>(topic: Topic<Value>): Promise<{ readonly first: Promise<void> }> {
      let came: () => void = () => undefined;
      const first = new Promise<void>((resolve) => (came = resolve));
      const tail = await queue.tail(topic, { onRecord: () => came() });
      return { first: first.finally(() => tail.close()) };
    },
    async stop(): Promise<void> {
      for (const webserver of made) await webserver.stop();
      await scheduling.stop();
      await executing.stop();
      await repository.close();
      await queue.close();
      await storage.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export type Installation = ReturnType<typeof createInstallation>;

/** A server with the embedded queue, an executor, local storage: everything that is real, in one process. */
export async function startServer({
  account = true,
  configuration = {},
  clock = systemClock,
  executor = true,
  scheduler = false,
}: TestServerOptions = {}) {
  const installation = createInstallation(clock);
  const { queue, repository, storage, metrics, entries, executing, scheduling } = installation;
  const webserver = installation.webserver(configuration, account ? ACCOUNT : NOBODY);
  if (executor) await executing.start();
  if (scheduler) await scheduling.start();
  await webserver.start();

  const call = (method: string, path: string, init: Omit<RequestInit, 'method'> = {}): Promise<Response> => {
    const headers = new Headers(init.headers);
    if (!headers.has('authorization')) headers.set('authorization', BASIC);
    if (headers.get('authorization') === 'none') headers.delete('authorization');
    return fetch(`${webserver.url}${path}`, { redirect: 'manual', ...init, method, headers });
  };
  return {
    webserver,
    queue,
    repository,
    storage,
    metrics,
    entries,
    clock,
    url: webserver.url,
    call,
    get: (path: string) => call('GET', path),
    async json(path: string): Promise<Record<string, unknown>> {
      const response = await call('GET', path);
      return (await response.json()) as Record<string, unknown>;
    },
    yaml: (method: 'POST' | 'PUT', path: string, body: string) =>
      call(method, path, { body, headers: { 'content-type': 'application/x-yaml' } }),
    publish: (...records: readonly OutgoingRecord[]) => queue.publish(records),
    stop: () => installation.stop(),
  };
}

export type TestServer = Awaited<ReturnType<typeof startServer>>;

export const HELLO = `id: hello
namespace: company.team
labels:
  team: red
inputs:
  - id: name
    type: STRING
    defaults: world
tasks:
  - id: say
    type: core.log.Log
    message: "Hello {{ inputs.name }}"
  - id: give
    type: core.debug.Return
    format: "{{ inputs.name }}"
`;

/** A flow that waits until somebody ends it. */
export const SLEEPY = `id: sleepy
namespace: company.team
tasks:
  - id: sleep
    type: core.flow.Sleep
    duration: PT1H
`;

export const logRecord = (entry: LogEntry): OutgoingRecord =>
  outgoing({ topic: topics.logs, key: keyOf(entry.tenant, entry.executionId), value: entry });
