import { createWriteStream } from 'node:fs';
import { mkdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { NamespaceFiles } from '@millrace/model';
import { TaskFailure, type TaskContext } from '../task-type.js';
import { createGlob } from './glob.js';
import { checkedName } from './input-files.js';

/** Files of namespaces that one task may ask for. */
const FILES_MAX = 10_000;

/**
 * Puts the files of namespaces into a working directory (spec tasks.md §6). A pattern matches at any depth, as `**` in
 * front of it would.
 * @throws TaskFailure when a file is there already and `ifExists` is FAIL, or there are too many
 */
export async function writeNamespaceFiles(
  directory: string,
  options: NamespaceFiles | undefined,
  context: Pick<TaskContext, 'namespace' | 'namespaceFiles' | 'log' | 'signal'>,
): Promise<void> {
  if (!options || options.enabled === false) return;
  const { namespaces = [context.namespace], folderPerNamespace = false, ifExists = 'OVERWRITE' } = options;
  const isWanted = chooser(options);
  let count = 0;
  for (const namespace of namespaces) {
    for (const { path, version } of await context.namespaceFiles.list(namespace)) {
      if (!isWanted(path)) continue;
      if (++count > FILES_MAX)
        throw new TaskFailure(`namespaceFiles takes more than ${FILES_MAX} files: choose some with 'include'`);
      context.signal.throwIfAborted();
      const name = checkedName(folderPerNamespace ? `${namespace}/${path}` : path);
      const target = join(directory, name);
      if (await mayWrite(target, name, ifExists, context.log)) {
        await mkdir(dirname(target), { recursive: true });
        await pipeline(
          await context.namespaceFiles.read(namespace, path, version),
          createWriteStream(target, { mode: 0o600 }),
        );
      }
    }
  }
}

type IfExists = NonNullable<NamespaceFiles['ifExists']>;

async function mayWrite(target: string, name: string, ifExists: IfExists, log: TaskContext['log']): Promise<boolean> {
  if (ifExists === 'OVERWRITE' || !(await exists(target))) return true;
  if (ifExists === 'FAIL')
    throw new TaskFailure(
      `The namespace file '${name}' is in the working directory already: set 'ifExists', or use 'folderPerNamespace'`,
    );
  if (ifExists === 'WARN') log.write('WARN', `The namespace file '${name}' is there already and stays as it is`);
  return false;
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch {
    return false;
  }
}

/** The choice of `include` and `exclude`. */
function chooser({ include, exclude }: NamespaceFiles): (path: string) => boolean {
  const included = matcherOf(include);
  const excluded = matcherOf(exclude);
  return (path) => (included?.(path) ?? true) && !(excluded?.(path) ?? false);
}

function matcherOf(patterns: string | readonly string[] | undefined): ((path: string) => boolean) | undefined {
  const list = listOf(patterns);
  if (list.length === 0) return undefined;
  const globs = list.map((pattern) => createGlob(`**/${pattern.replace(/^(\.?\/)+/, '')}`));
  return (path) => globs.some((matches) => matches(path));
}

/** A list of patterns as written: a list, JSON of one, or a single pattern. */
export function listOf(written: string | readonly string[] | undefined): readonly string[] {
  if (written === undefined) return [];
  if (typeof written !== 'string') return written;
  const text = written.trim();
  if (text === '') return [];
  if (!text.startsWith('[')) return [text];
  try {
    const parsed: unknown = JSON.parse(text);
    if (Array.isArray(parsed) && parsed.every((one) => typeof one === 'string')) return parsed;
  } catch {
    // No JSON: a pattern that begins with a set of characters.
  }
  return [text];
}
