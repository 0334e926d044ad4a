import { taskSchema, WORKING_DIRECTORY_TASK, workingDirectoryProperties, type PlainObject } from '@millrace/model';
import {
  defineTask,
  filesByName,
  listOf,
  storeOutputFiles,
  writeInputFiles,
  writeNamespaceFiles,
  type TaskContext,
  type TaskType,
} from '@millrace/plugin-api';
import { createDirectoryCache, type DirectoryCache } from './directory-cache.js';
import { cacheKey, createStoredCache } from './stored-cache.js';
import { runChildren, type ChildrenOptions } from './working-directory-children.js';

/**
 * A WorkingDirectory as a task of this worker: prepares the directory, runs the children in it one after the other, keeps
 * what is to be kept. What it keeps it keeps also when a child failed; when it is stopped, nothing.
 */
export function workingDirectoryTask(options: ChildrenOptions): TaskType {
  return defineTask({
    type: WORKING_DIRECTORY_TASK.type,
    kind: 'runnable',
    title: WORKING_DIRECTORY_TASK.title,
    // Its tasks travel beside it.
    schema: taskSchema(workingDirectoryProperties, WORKING_DIRECTORY_TASK.title),
    // After its children have run, whose outputs they may name.
    rendersItself: ['outputFiles'],
    async run({ inputFiles, namespaceFiles, outputFiles, cache }, context) {
      const directory = await context.files.workingDirectory();
      const kept = cache && openCache(cache, directory, options, context);
      await kept?.restore();
      await writeNamespaceFiles(directory, namespaceFiles, context);
      await writeInputFiles(directory, filesByName(inputFiles, 'inputFiles'), context.files);
      const { state, outputs } = await runChildren(options, context);
      context.signal.throwIfAborted();
      const patterns = await renderedPatterns(outputFiles, outputs, context);
      const uris = await storeOutputFiles({ workingDirectory: directory }, patterns, context);
      await kept?.save();
      return { state, outputs: { outputFiles: uris } };
    },
  });
}

async function renderedPatterns(
  written: string | readonly string[] | undefined,
  outputs: PlainObject,
  context: TaskContext,
): Promise<readonly string[]> {
  if (written === undefined) return [];
  if (typeof written === 'string') return listOf(await context.render(written, { outputs }));
  return Promise.all(written.map((pattern) => context.render(pattern, { outputs })));
}

function openCache(
  { ttl, patterns }: { readonly ttl?: string; readonly patterns: readonly string[] },
  directory: string,
  { attempt, surroundings: { environment } }: ChildrenOptions,
  context: TaskContext,
): DirectoryCache {
  const { storage, clock } = environment;
  const { job } = attempt.taken;
  const key = context.value === undefined ? 'directory' : cacheKey(context.value);
  return createDirectoryCache({
    cache: createStoredCache({ job, storage, clock }, key, ttl),
    patterns,
    directory,
    context,
  });
}
