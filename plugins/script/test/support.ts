import { NO_SERVICES } from '@millrace/testing/tasks';
import { createWriteStream, mkdtempSync, readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { LogLevel, PlainObject } from '@millrace/model';
import { renderString, variablesOf } from '@millrace/expression';
import { checkProperties, TaskFailure, type TaskContext, type TaskResult } from '@millrace/plugin-api';
import { plugin } from '../src/index.js';

export interface Line {
  readonly level: LogLevel;
  readonly message: string;
}

/** A context with a real directory; stored files lie in a folder beside it. */
export class TestContext implements TaskContext {
  readonly tenant = 'main';
  readonly namespace = 'company.team';
  readonly flowId = 'my-flow';
  readonly executionId = 'execution1';
  readonly taskId = 'a-task';
  readonly taskRunId = 'taskRun1';
  readonly attempt = 1;
  readonly directory = mkdtempSync(join(tmpdir(), 'millrace-script-'));
  readonly ownDirectory = mkdtempSync(join(tmpdir(), 'millrace-own-'));
  readonly controller = new AbortController();
  readonly signal = this.controller.signal;
  readonly lines: Line[] = [];
  readonly metrics: PlainObject[] = [];
  readonly stored = new Map<string, string>();
  readonly readable = new Map<string, string>();
  variables: PlainObject = {};
  /** Replaced by tests that let the log be slow. */
  ready: () => Promise<void> = () => Promise.resolve();
  private readonly watchers = new Set<() => void>();

  readonly services = NO_SERVICES;

  readonly log = {
    write: (level: LogLevel, message: string): void => {
      this.lines.push({ level, message });
      for (const watcher of this.watchers) watcher();
    },
    ready: (): Promise<void> => this.ready(),
  };

  readonly files = {
    workingDirectory: () => Promise.resolve(this.directory),
    temporaryDirectory: () => Promise.resolve(this.ownDirectory),
    read: (uri: string) => {
      const content = this.readable.get(uri);
      return content === undefined
        ? Promise.reject(new Error(`no file ${uri}`))
        : Promise.resolve(Readable.from([content]));
    },
    size: (uri: string) => Promise.resolve(Buffer.byteLength(this.readable.get(uri) ?? '')),
    remove: () => Promise.reject(new Error('nothing is removed')),
    store: async (name: string, content: NodeJS.ReadableStream | Uint8Array | string) => {
      const path = join(this.ownDirectory, 'stored', name);
      await mkdir(dirname(path), { recursive: true });
      await pipeline(
        typeof content === 'string' || content instanceof Uint8Array ? Readable.from([content]) : content,
        createWriteStream(path),
      );
      this.stored.set(name, readFileSync(path, 'utf8'));
      return `kestra:///stored/${name}`;
    },
  };

  render = (text: string, extra: PlainObject = {}): Promise<string> =>
    Promise.resolve(
      renderString(text, variablesOf({ ...this.variables, ...extra }), { now: 0, random: () => 0, timeZone: 'UTC' }),
    );

  /** Contents of namespace files, by `namespace:path`. */
  readonly inNamespaces = new Map<string, string>();
  readonly namespaceFiles = {
    list: (namespace: string) =>
      Promise.resolve(
        [...this.inNamespaces.keys()]
          .filter((key) => key.startsWith(`${namespace}:`))
          .map((key) => ({ path: key.slice(namespace.length + 1) })),
      ),
    read: (namespace: string, path: string) =>
      Promise.resolve(Readable.from([this.inNamespaces.get(`${namespace}:${path}`) ?? ''])),
  };
  runTask = (): Promise<TaskResult> => Promise.reject(new Error('no other task'));
  encrypt = (): Promise<PlainObject> => Promise.reject(new Error('no key'));

  metric: TaskContext['metric'] = (metric) => {
    this.metrics.push({ ...metric });
  };

  /** Resolves with the first line that `fits`. */
  line(fits: (message: string) => boolean): Promise<string> {
    return new Promise((resolve) => {
      const watcher = (): void => {
        const found = this.lines.find(({ message }) => fits(message));
        if (!found) return;
        this.watchers.delete(watcher);
        resolve(found.message);
      };
      this.watchers.add(watcher);
      watcher();
    });
  }

  messages(level: LogLevel): string[] {
    return this.lines.filter((line) => line.level === level).map(({ message }) => message);
  }
}

/** Runs a task of the plugin as a worker does: properties converted, then run. */
export function run(context: TestContext, properties: PlainObject & { readonly type: string }): Promise<TaskResult> {
  const task = plugin.tasks.find(({ type }) => type === properties.type);
  if (!task?.run) throw new Error(`no task type ${properties.type}`);
  const checked = checkProperties(task, { id: 'a-task', ...properties });
  if (!checked.ok) throw new Error(checked.errors.join('. '));
  return task.run({ ...checked.properties, id: 'a-task', type: task.type }, context);
}

/** The failure of a task. */
export async function failure(
  context: TestContext,
  properties: PlainObject & { readonly type: string },
): Promise<TaskFailure> {
  try {
    await run(context, properties);
  } catch (error) {
    if (error instanceof TaskFailure) return error;
    throw error;
  }
  throw new Error('The task did not fail');
}

/** True while a process lives that is not only waiting to be collected. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    const status = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return !/\) [ZX] /.test(status);
  } catch {
    return false;
  }
}

/** Resolves as soon as none of the processes is alive; the test's own limit is the only one. */
export async function gone(pids: readonly number[]): Promise<void> {
  while (pids.some(isAlive)) await new Promise((resolve) => setImmediate(resolve));
}
