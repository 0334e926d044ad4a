import { createWriteStream } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { createReadStream } from 'node:fs';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { isPlainObject, type Clock, type Job, type JobOutcome, type PlainObject } from '@millrace/model';
import { checkedName, type TaskContext, type TaskType } from '@millrace/plugin-api';
import { executionFileUri, type Storage, type ZipContent } from '@millrace/storage';
import type { Renderer } from './rendering.js';
import { cacheKey, createStoredCache, type StoredCache } from './stored-cache.js';

/** The outputs of earlier runs of a task with the same properties (spec flow.md §9). Never fails a task: it logs. */
export interface TaskCache {
  /** The outputs of an earlier run, its files stored anew for this task run; undefined when there are none. */
  find(): Promise<PlainObject | undefined>;
  save(outcome: JobOutcome): Promise<void>;
}

export interface TaskCacheOptions {
  readonly job: Job;
  readonly storage: Storage;
  readonly clock: Clock;
  readonly context: TaskContext;
  readonly renderer: Renderer;
  readonly taskType: TaskType;
  /** Rendered; without those that the task renders itself. */
  readonly properties: PlainObject;
}

const OUTPUTS = 'outputs.ion';
const FILES = 'files/';

/** undefined for a task without a cache. */
export async function openTaskCache(options: TaskCacheOptions): Promise<TaskCache | undefined> {
  const { job, context } = options;
  if (job.task.taskCache?.enabled !== true) return undefined;
  const attempted = async <Result>(what: string, work: () => Promise<Result>): Promise<Result | undefined> => {
    try {
      return await work();
    } catch (error) {
      context.signal.throwIfAborted();
      const reason = error instanceof Error ? error.message : String(error);
      context.log.write('WARN', `The cache of the task ${what}: ${reason}`);
      return undefined;
    }
  };
  const cache = await attempted('cannot be used', async () =>
    createStoredCache(options, await keyOf(options), job.task.taskCache?.ttl),
  );
  if (!cache) return undefined;
  return {
    find: () => attempted('could not be read', () => restored(cache, options)),
    async save({ state, outputs }) {
      if (state !== 'SUCCESS' && state !== 'WARNING') return;
      await attempted('could not be written', () => stored(cache, outputs ?? {}, options));
    },
  };
}

/** The task with everything rendered, its folders named the same in every run, and its loop value. */
async function keyOf({ job, context, renderer, taskType, properties }: TaskCacheOptions): Promise<string> {
  const folders = { workingDir: '/working-directory', outputDir: '/output-directory' };
  const rendered = async (value: unknown): Promise<unknown> => {
    if (typeof value === 'string') return renderer.text(value, folders);
    if (Array.isArray(value)) return Promise.all(value.map(rendered));
    if (!isPlainObject(value)) return value;
    const entries = Object.entries(value).map(async ([name, member]) => [name, await rendered(member)] as const);
    return Object.fromEntries(await Promise.all(entries));
  };
  const own = await rendered(
    Object.fromEntries((taskType.rendersItself ?? []).map((name) => [name, properties[name]])),
  );
  return cacheKey(taskType.type, job.task.id, { ...properties, ...(isPlainObject(own) ? own : {}) }, context.value);
}

/** Where the files of a task run lie. */
const folderOf = (job: Job): string => executionFileUri({ ...job, taskId: job.task.id, name: 'x' }).slice(0, -1);

async function stored(cache: StoredCache, outputs: PlainObject, { job, context }: TaskCacheOptions): Promise<void> {
  const folder = folderOf(job);
  const directory = join(await context.files.temporaryDirectory(), 'to-cache');
  const entries: (readonly [string, ZipContent])[] = [[OUTPUTS, { text: JSON.stringify({ folder, outputs }) }]];
  for (const uri of new Set(textsIn(outputs).filter((text) => text.startsWith(folder)))) {
    const name = checkedName(uri.slice(folder.length));
    const path = join(directory, name);
    await mkdir(dirname(path), { recursive: true });
    await pipeline(await context.files.read(uri), createWriteStream(path, { mode: 0o600 }));
    entries.push([FILES + name, { path }]);
  }
  await cache.save(entries);
}

async function restored(cache: StoredCache, { context }: TaskCacheOptions): Promise<PlainObject | undefined> {
  const directory = join(await context.files.temporaryDirectory(), 'from-cache');
  await mkdir(directory);
  const names = await cache.restore(directory, () => context.files.temporaryDirectory());
  if (!names) return undefined;
  const kept: unknown = JSON.parse(await readFile(join(directory, OUTPUTS), 'utf8'));
  if (!isPlainObject(kept) || !isPlainObject(kept['outputs']) || typeof kept['folder'] !== 'string') return undefined;
  const moved = new Map<string, string>();
  for (const name of names.filter((one) => one.startsWith(FILES))) {
    const inFolder = name.slice(FILES.length);
    moved.set(kept['folder'] + inFolder, await context.files.store(inFolder, createReadStream(join(directory, name))));
  }
  const outputs = withTexts(kept['outputs'], (text) => moved.get(text) ?? text);
  return isPlainObject(outputs) ? outputs : undefined;
}

function textsIn(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(textsIn);
}

function withTexts(value: unknown, change: (text: string) => string): unknown {
  if (typeof value === 'string') return change(value);
  if (Array.isArray(value)) return value.map((item) => withTexts(item, change));
  if (!isPlainObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, withTexts(member, change)]));
}
