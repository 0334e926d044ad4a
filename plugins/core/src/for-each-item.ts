import { Readable } from 'node:stream';
import { Type } from '@sinclair/typebox';
import { Batch, Dynamic, ITEM_TASKS, itemName, itemOutputsName, itemUri, taskSchema } from '@millrace/model';
import { defineTask, TaskFailure, type TaskContext } from '@millrace/plugin-api';
import { pieces } from './storage/pieces.js';
import { bytesOf, createSplitter, type SplitRule } from './storage/split.js';
import { extensionOf } from './storage/uris.js';
import { writeParts } from './storage/write-parts.js';

/** Items that are being stored at the same time: each waits for the disk, and there may be a million. */
const STORES_AT_A_TIME = 32;

type WrittenBatch = Partial<Record<'rows' | 'bytes' | 'partitions' | 'separator' | 'regexPattern', string | number>>;

/** Of several ways to split the first one counts: `bytes`, `partitions`, `regexPattern`, `rows`. */
function ruleOf({ rows = 1, bytes, partitions, regexPattern, separator = '\n' }: WrittenBatch): SplitRule {
  const shared = { separator: String(separator) };
  if (bytes !== undefined) return { ...shared, bytes: bytesOf(bytes) };
  if (partitions !== undefined) return { ...shared, partitions: Number(partitions) };
  if (regexPattern !== undefined) return { ...shared, regexPattern: String(regexPattern) };
  return { ...shared, rows: Number(rows) };
}

/** `<id>_split` of a ForEachItem: a file for each item, and a list of them. Memory does not grow with the items. */
export const itemSplitTask = defineTask({
  type: ITEM_TASKS.split,
  internal: true,
  kind: 'runnable',
  title: 'Splits the file of a ForEachItem into items.',
  schema: taskSchema(
    { items: Dynamic(Type.String()), batch: Type.Optional(Batch) },
    'Splits the file of a ForEachItem into items.',
  ),
  outputs: Type.Object({ splits: Type.String(), numberOfBatches: Type.Integer() }),
  async run({ items, batch = {} }, context) {
    if (!items.startsWith('kestra://')) {
      throw new TaskFailure(`Property 'items' must be the URI of a file (kestra:///…), but is '${items.slice(0, 80)}'`);
    }
    const rule = ruleOf(batch);
    const extension = extensionOf(items);
    const stores = new Stores(context.files);
    const lines = pieces(await context.files.read(items), rule.separator);
    const nameOf = (part: number): string => itemName(part, extension);
    let count = 0;
    const splitting = { files: stores, signal: context.signal };
    for await (const _uri of writeParts(lines, createSplitter(rule), splitting, nameOf)) count++;
    await stores.settled();
    const list = `splits${extension}`;
    const { first } = stores;
    const folder = first?.slice(0, first.length - nameOf(0).length) ?? '';
    function* uris(): Generator<string> {
      for (let index = 0; index < count; index++) yield `${itemUri(`${folder}${list}`, index)}\n`;
    }
    const splits = await context.files.store(list, Readable.from(uris(), { objectMode: false }));
    return { outputs: { splits, numberOfBatches: count } };
  },
});

/** Stores small files several at a time; the names of files follow from their place, so nobody waits for the answers. */
class Stores implements Pick<TaskContext['files'], 'store' | 'temporaryDirectory'> {
  /** URI of the first file. */
  first: string | undefined;
  readonly #open = new Set<Promise<unknown>>();
  #failure: unknown;

  constructor(readonly files: TaskContext['files']) {}

  temporaryDirectory(): Promise<string> {
    return this.files.temporaryDirectory();
  }

  async store(name: string, content: NodeJS.ReadableStream | Uint8Array | string): Promise<string> {
    if (this.#failure !== undefined) throw this.#failure;
    if (typeof content !== 'string' || this.first === undefined) {
      const uri = await this.files.store(name, content);
      this.first ??= uri;
      return uri;
    }
    const stored: Promise<unknown> = this.files.store(name, content).then(
      () => this.#open.delete(stored),
      (error: unknown) => {
        this.#open.delete(stored);
        this.#failure ??= error;
      },
    );
    this.#open.add(stored);
    if (this.#open.size >= STORES_AT_A_TIME) await Promise.race(this.#open);
    return name;
  }

  /** @throws what a store threw */
  async settled(): Promise<void> {
    await Promise.all(this.#open);
    if (this.#failure !== undefined) throw this.#failure;
  }
}

/** A job of `<id>_items`: outputs of some of its executions become a file, one Ion text a line. */
export const itemOutputsTask = defineTask({
  type: ITEM_TASKS.outputs,
  internal: true,
  kind: 'runnable',
  title: 'Stores outputs of executions of a ForEachItem.',
  schema: taskSchema(
    { page: Type.Integer(), folder: Type.String(), lines: Dynamic(Type.Array(Type.String())) },
    'Stores outputs of executions of a ForEachItem.',
  ),
  outputs: Type.Object({ page: Type.Integer() }),
  async run({ page, folder, lines }, { files }) {
    await files.store(`${folder}/${itemOutputsName(page)}`, lines.map((line) => `${line}\n`).join(''));
    return { outputs: { page } };
  },
});

/** `<id>_merge` of a ForEachItem: the outputs of its executions in one file, in the order in which they ended. */
export const itemMergeTask = defineTask({
  type: ITEM_TASKS.merge,
  internal: true,
  kind: 'runnable',
  title: 'Puts the outputs of the executions of a ForEachItem into one file.',
  schema: taskSchema(
    { subflowOutputs: Dynamic(Type.String()) },
    'Puts the outputs of the executions of a ForEachItem into one file.',
  ),
  outputs: Type.Object({ subflowOutputs: Type.Optional(Type.String()) }),
  async run({ subflowOutputs }, { files, signal }) {
    const pageUri = (page: number): string => `kestra://${subflowOutputs}/${itemOutputsName(page)}`;
    async function isThere(page: number): Promise<boolean> {
      try {
        await files.size(pageUri(page));
        return true;
      } catch (error) {
        // There is no such file; a storage that does not answer is another error.
        if (error instanceof TaskFailure) return false;
        throw error;
      }
    }
    if (!(await isThere(0))) return {};
    async function* content(): AsyncGenerator<unknown> {
      for (let page = 0; page === 0 || (await isThere(page)); page++) {
        signal.throwIfAborted();
        yield* await files.read(pageUri(page));
      }
    }
    const uri = await files.store('outputs.ion', Readable.from(content(), { objectMode: false }));
    return { outputs: { subflowOutputs: uri } };
  },
});
