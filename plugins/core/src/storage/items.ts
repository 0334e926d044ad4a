import { createReadStream, createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Type } from '@sinclair/typebox';
import { Dynamic, isTruthy, taskSchema } from '@millrace/model';
import { defineTask, TaskFailure, type TaskContext } from '@millrace/plugin-api';
import { itemOf, variablesOf, type Item } from './ion-items.js';
import { pieces } from './pieces.js';
import { extensionOf, fileProperty } from './uris.js';

/** Different keys that are remembered. */
const KEYS_MAX = 5_000_000;

async function* itemsOf(input: AsyncIterable<unknown>, signal: AbortSignal): AsyncGenerator<Item> {
  let number = 0;
  for await (const line of pieces(input, '\n')) {
    signal.throwIfAborted();
    number++;
    if (line.trim() !== '') yield itemOf(line, number);
  }
}

/** `core.storage.DeduplicateItems`: of items with the same key the last one is kept. */
export const deduplicateItemsTask = defineTask({
  type: 'core.storage.DeduplicateItems',
  aliases: ['io.kestra.core.tasks.storages.DeduplicateItems'],
  kind: 'runnable',
  title: 'Keeps the last of the items with the same key.',
  schema: taskSchema(
    {
      from: fileProperty('The file: an item of Ion or JSON on each line.'),
      expr: Dynamic(Type.String({ description: "Gives an item's key; its members are variables." })),
    },
    'Keeps the last of the items with the same key.',
  ),
  outputs: Type.Object({
    uri: Type.String({ description: 'The new file.' }),
    numKeys: Type.Integer({ description: 'Different keys.' }),
    processedItemsTotal: Type.Integer({ description: 'Items read.' }),
    droppedItemsTotal: Type.Integer({ description: 'Items that are not in the new file.' }),
  }),
  rendersItself: ['expr'],
  async run({ from, expr }, context) {
    const { files, signal } = context;
    const path = join(await files.temporaryDirectory(), 'items');
    await pipeline(await files.read(from), createWriteStream(path), { signal });
    const lastOf = new Map<string, number>();
    let processed = 0;
    for await (const item of itemsOf(createReadStream(path), signal)) {
      lastOf.set(await context.render(expr, variablesOf(item)), processed++);
      if (lastOf.size > KEYS_MAX) throw new TaskFailure(`The file has more than ${KEYS_MAX} different keys`);
    }
    const last = new Set(lastOf.values());
    async function* kept(): AsyncGenerator<string> {
      let index = 0;
      for await (const { text } of itemsOf(createReadStream(path), signal)) if (last.has(index++)) yield `${text}\n`;
    }
    const uri = await files.store(`deduplicated${extensionOf(from)}`, Readable.from(kept(), { objectMode: false }));
    return {
      outputs: {
        uri,
        numKeys: last.size,
        processedItemsTotal: processed,
        droppedItemsTotal: processed - last.size,
      },
    };
  },
});

type OnError = 'FAIL' | 'INCLUDE' | 'EXCLUDE';
const choice = <const Name extends string>(names: readonly Name[], byDefault: Name, description: string) =>
  Type.Optional(Dynamic(Type.Unsafe<Name>({ type: 'string', enum: [...names], default: byDefault, description })));

/** `core.storage.FilterItems`: items for which a condition holds, or does not. */
export const filterItemsTask = defineTask({
  type: 'core.storage.FilterItems',
  aliases: ['io.kestra.core.tasks.storages.FilterItems'],
  kind: 'runnable',
  title: 'Keeps the items for which a condition holds.',
  schema: taskSchema(
    {
      from: fileProperty('The file: an item of Ion or JSON on each line.'),
      filterCondition: Dynamic(Type.String({ description: "A condition; the item's members are variables." })),
      filterType: choice(['INCLUDE', 'EXCLUDE'], 'INCLUDE', 'Whether items for which it holds are kept or left out.'),
      errorOrNullBehavior: choice(
        ['FAIL', 'INCLUDE', 'EXCLUDE'],
        'FAIL',
        'What becomes of items for which the condition fails or gives nothing.',
      ),
    },
    'Keeps the items for which a condition holds.',
  ),
  outputs: Type.Object({
    uri: Type.String({ description: 'The new file.' }),
    processedItemsTotal: Type.Integer({ description: 'Items read.' }),
    droppedItemsTotal: Type.Integer({ description: 'Items that are not in the new file.' }),
  }),
  rendersItself: ['filterCondition'],
  async run({ from, filterCondition, filterType = 'INCLUDE', errorOrNullBehavior = 'FAIL' }, context) {
    const { files, signal } = context;
    let processed = 0;
    let dropped = 0;
    const input = await files.read(from);
    async function* kept(): AsyncGenerator<string> {
      for await (const item of itemsOf(input, signal)) {
        processed++;
        if (await isKept(item)) yield `${item.text}\n`;
        else dropped++;
      }
    }
    const isKept = async (item: Item): Promise<boolean> => {
      const holds = await evaluated(filterCondition, item, errorOrNullBehavior, context);
      return typeof holds === 'boolean' ? holds === (filterType === 'INCLUDE') : holds.kept;
    };
    const uri = await files.store(`filtered${extensionOf(from)}`, Readable.from(kept(), { objectMode: false }));
    return { outputs: { uri, processedItemsTotal: processed, droppedItemsTotal: dropped } };
  },
});

async function evaluated(
  condition: string,
  item: Item,
  otherwise: OnError,
  { render }: TaskContext,
): Promise<boolean | { readonly kept: boolean }> {
  let reason = 'it gives nothing';
  try {
    const text = await render(condition, variablesOf(item));
    if (text.trim() !== '') return isTruthy(text);
  } catch (error) {
    reason = error instanceof Error ? error.message : String(error);
  }
  if (otherwise === 'FAIL') throw new TaskFailure(`The condition cannot be evaluated for an item: ${reason}`);
  return { kept: otherwise === 'INCLUDE' };
}
