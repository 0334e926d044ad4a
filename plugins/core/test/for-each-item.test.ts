import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { ITEM_TASKS, itemOutputsName, itemUri, type PlainObject } from '@millrace/model';
import { checkProperties, createTaskTypeRegistry, TaskFailure, type TaskContext } from '@millrace/plugin-api';
import { plugin } from '../src/index.js';

const FOLDER = 'kestra:///task';

/** Files of one task run in memory, with how many were being stored at the same time. */
class MemoryFiles {
  readonly stored = new Map<string, string>();
  directory: string | undefined;
  open = 0;
  mostOpen = 0;
  failing: string | undefined;

  readonly files = {
    temporaryDirectory: async () => (this.directory ??= await mkdtemp(join(tmpdir(), 'items-'))),
    read: (uri: string) => Promise.resolve(Readable.from([Buffer.from(this.stored.get(uri) ?? '')])),
    size: (uri: string) => {
      const text = this.stored.get(uri);
      return text === undefined
        ? Promise.reject(new TaskFailure(`There is no file ${uri}`))
        : Promise.resolve(text.length);
    },
    store: async (name: string, content: AsyncIterable<Buffer | string> | string) => {
      this.mostOpen = Math.max(this.mostOpen, ++this.open);
      let text = '';
      if (typeof content === 'string') text = content;
      else for await (const chunk of content) text += chunk.toString();
      await new Promise((resolve) => setImmediate(resolve));
      this.open--;
      if (name === this.failing) throw new Error('The disk is full');
      this.stored.set(`${FOLDER}/${name}`, text);
      return `${FOLDER}/${name}`;
    },
  };

  async run(type: string, properties: PlainObject): Promise<PlainObject> {
    const task = plugin.tasks.find((one) => one.type === type);
    const checked = task && checkProperties(task, properties);
    if (!task?.run || !checked?.ok) throw new Error(JSON.stringify(checked));
    const context = { files: this.files, signal: new AbortController().signal } as unknown as TaskContext;
    return (await task.run({ ...checked.properties, id: 't', type }, context)).outputs ?? {};
  }

  /** The contents of the items, found as the executor finds them. */
  items({ splits, numberOfBatches }: PlainObject): (string | undefined)[] {
    return Array.from({ length: Number(numberOfBatches) }, (_, index) =>
      this.stored.get(itemUri(String(splits), index)),
    );
  }
}

let memory: MemoryFiles;
beforeEach(() => (memory = new MemoryFiles()));
afterEach(async () => {
  if (memory.directory !== undefined) await rm(memory.directory, { recursive: true });
});
const put = (text: string, name = 'from.csv'): string => {
  memory.stored.set(`kestra:///${name}`, text);
  return `kestra:///${name}`;
};

describe('the split of a ForEachItem', () => {
  it.each([
    ['a line each', {}, ['a1\n', 'b2\n', 'a3\n', 'b4\n', 'a5\n']],
    ['rows', { rows: '2' }, ['a1\nb2\n', 'a3\nb4\n', 'a5\n']],
    ['bytes', { bytes: '6' }, ['a1\nb2\n', 'a3\nb4\n', 'a5\n']],
    ['partitions', { partitions: 2 }, ['a1\na3\na5\n', 'b2\nb4\n']],
    ['a pattern', { regexPattern: '(.)[0-9]' }, ['a1\na3\na5\n', 'b2\nb4\n']],
  ])('makes a file of %s', async (_name, batch, expected) => {
    const outputs = await memory.run(ITEM_TASKS.split, { items: put('a1\nb2\na3\nb4\na5'), batch });
    expect(memory.items(outputs)).toEqual(expected);
  });

  it('splits at another separator, and keeps the extension of the file', async () => {
    const outputs = await memory.run(ITEM_TASKS.split, { items: put('1;2;'), batch: { separator: ';' } });
    expect(memory.items(outputs)).toEqual(['1;', '2;']);
    expect(outputs['splits']).toBe(`${FOLDER}/splits.csv`);
    expect(memory.stored.get(`${FOLDER}/splits.csv`)).toBe(`${FOLDER}/0/0.csv\n${FOLDER}/0/1.csv\n`);
  });

  it('of many lines stores several at a time, and lists each', async () => {
    const lines = Array.from({ length: 2_500 }, (_, index) => `line ${index}`);
    const outputs = await memory.run(ITEM_TASKS.split, { items: put(lines.join('\n'), 'from') });
    expect(memory.items(outputs)).toEqual(lines.map((line) => `${line}\n`));
    expect(memory.mostOpen).toBeGreaterThan(8);
    expect(memory.mostOpen).toBeLessThanOrEqual(33);
    const list = (memory.stored.get(String(outputs['splits'])) ?? '').trim().split('\n');
    expect(list).toEqual(lines.map((_, index) => itemUri(String(outputs['splits']), index)));
  });

  it('of an empty file makes no item', async () => {
    expect(await memory.run(ITEM_TASKS.split, { items: put('') })).toMatchObject({ numberOfBatches: 0 });
  });

  it.each([
    ['text', {}, /must be the URI of a file/],
    ['kestra:///from.csv', { rows: 'many' }, /'rows' must be a whole number/],
    ['kestra:///from.csv', { regexPattern: '(' }, /is no regular expression/],
  ])('of %s with %j fails with a sentence', async (items, batch, message) => {
    put('1\n');
    await expect(memory.run(ITEM_TASKS.split, { items, batch })).rejects.toThrow(message);
  });

  it('fails when a file cannot be stored', async () => {
    memory.failing = '0/3.csv';
    await expect(memory.run(ITEM_TASKS.split, { items: put('1\n2\n3\n4\n5\n') })).rejects.toThrow('The disk is full');
  });
});

describe('the outputs of a ForEachItem', () => {
  it('are stored by pages and merged in their order, however many pages', async () => {
    const pages = 1_002;
    for (let page = 0; page < pages; page++) {
      const lines = [`{"page":${page},"template":"{{ x }}"}`];
      expect(await memory.run(ITEM_TASKS.outputs, { page, folder: 'outputs-1', lines })).toEqual({ page });
    }
    const { subflowOutputs } = await memory.run(ITEM_TASKS.merge, { subflowOutputs: '/task/outputs-1' });
    const merged = (memory.stored.get(String(subflowOutputs)) ?? '').trim().split('\n');
    expect(merged).toHaveLength(pages);
    expect(merged.map((line) => (JSON.parse(line) as { page: number }).page)).toEqual(
      Array.from({ length: pages }, (_, page) => page),
    );
    expect(memory.stored.has(`${FOLDER}/outputs-1/${itemOutputsName(1_001)}`)).toBe(true);
  });

  it('are no file when there are none', async () => {
    expect(await memory.run(ITEM_TASKS.merge, { subflowOutputs: '/task/outputs-1' })).toEqual({});
  });

  it('are not taken for complete when the storage does not answer', async () => {
    memory.files.size = () => Promise.reject(new Error('The storage does not answer'));
    await expect(memory.run(ITEM_TASKS.merge, { subflowOutputs: '/task/outputs-1' })).rejects.toThrow(
      'does not answer',
    );
  });
});

it('no flow may name the parts of a ForEachItem', () => {
  const registry = createTaskTypeRegistry([plugin]);
  for (const type of [ITEM_TASKS.split, ITEM_TASKS.outputs, ITEM_TASKS.merge]) {
    expect(registry.catalog.find(type)).toBeUndefined();
    expect(registry.find(type)).toBeDefined();
  }
});
