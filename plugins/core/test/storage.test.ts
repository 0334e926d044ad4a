import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { checkProperties, type TaskContext } from '@millrace/plugin-api';
import type { PlainObject } from '@millrace/model';
import { plugin } from '../src/index.js';
import { pieces } from '../src/storage/pieces.js';
import { bytesOf, createSplitter } from '../src/storage/split.js';

/** Files in memory, and a real working directory. */
class MemoryFiles {
  readonly stored = new Map<string, string>();
  directory: string | undefined;

  readonly files: TaskContext['files'] = {
    workingDirectory: async () => (this.directory ??= await mkdtemp(join(tmpdir(), 'storage-tasks-'))),
    temporaryDirectory: async () => (this.directory ??= await mkdtemp(join(tmpdir(), 'storage-tasks-'))),
    read: (uri) => Promise.resolve(Readable.from([Buffer.from(this.stored.get(uri) ?? '')])),
    size: (uri) => Promise.resolve(Buffer.byteLength(this.stored.get(uri) ?? '')),
    remove: (uri) => Promise.resolve(this.stored.delete(uri)),
    store: async (name, content) => {
      const uri = `kestra:///${this.stored.size}/${name}`;
      let text = '';
      if (typeof content === 'string') text = content;
      else for await (const chunk of content as AsyncIterable<Buffer | string>) text += chunk.toString();
      this.stored.set(uri, text);
      return uri;
    },
  };

  async run(type: string, properties: PlainObject): Promise<PlainObject> {
    const task = plugin.tasks.find((one) => one.type === type);
    const checked = task && checkProperties(task, properties);
    if (!task?.run || !checked?.ok) throw new Error(JSON.stringify(checked));
    const log = { write: () => undefined };
    const context = { files: this.files, log, signal: new AbortController().signal } as unknown as TaskContext;
    return (await task.run({ ...checked.properties, id: 't', type }, context)).outputs ?? {};
  }
}

describe('storage tasks', () => {
  let memory: MemoryFiles;
  beforeEach(() => (memory = new MemoryFiles()));
  afterEach(async () => {
    if (memory.directory !== undefined) await rm(memory.directory, { recursive: true });
  });
  const put = (text: string): string => {
    memory.stored.set('kestra:///from.txt', text);
    return 'kestra:///from.txt';
  };
  const contents = (uris: unknown): (string | undefined)[] => (uris as string[]).map((uri) => memory.stored.get(uri));

  it.each([
    ['rows', { rows: 5_000 }],
    ['bytes', { bytes: '100KB' }],
    ['partitions', { partitions: 3 }],
  ])('Split by %s keeps every line of a large file, in order within its part', async (_rule, rule) => {
    const lines = Array.from({ length: 20_000 }, (_, index) => `line ${index}`);
    const { uris } = await memory.run('core.storage.Split', { from: put(lines.join('\n')), ...rule });
    const parts = contents(uris).map((text = '') => text.split('\n').slice(0, -1));
    expect(parts.length).toBeGreaterThan(2);
    const numbers = parts.map((part) => part.map((line) => Number(line.slice(5))));
    for (const part of numbers) expect(part).toEqual([...part].sort((one, other) => one - other));
    expect(parts.flat().length).toBe(lines.length);
    expect(new Set(parts.flat())).toEqual(new Set(lines));
  });

  it('Split of an empty file gives no file', async () => {
    expect(await memory.run('core.storage.Split', { from: put(''), rows: 1 })).toEqual({ uris: [] });
  });

  it.each(['\n', '--', 'ab'])(
    'Reverse of a large file with the separator %j is its lines from the end',
    async (separator) => {
      const lines = Array.from({ length: 10_000 }, (_, index) => `${index}é`.repeat(1 + (index % 5)));
      const { uri } = await memory.run('core.storage.Reverse', { from: put(lines.join(separator)), separator });
      const reversed = (memory.stored.get(String(uri)) ?? '').split(separator);
      expect(reversed.pop()).toBe('');
      expect(reversed.reverse()).toEqual(lines);
    },
  );

  it.each([
    ['', ''],
    ['\n', '\n'],
    ['a', 'a\n'],
    ['a\n', 'a\n'],
    ['\na', 'a\n\n'],
    ['a\n\nb', 'b\n\na\n'],
  ])('Reverse of %j is %j', async (text, reversed) => {
    const { uri } = await memory.run('core.storage.Reverse', { from: put(text) });
    expect(memory.stored.get(String(uri))).toBe(reversed);
  });

  it('Reverse of UTF-16 looks for the separator in its bytes', async () => {
    await expect(memory.run('core.storage.Reverse', { from: put('a'), charset: 'KLINGON' })).rejects.toThrow(
      "The charset 'KLINGON' is not known",
    );
  });

  it('Split by a pattern leaves out what does not match', async () => {
    const { uris } = await memory.run('core.storage.Split', {
      from: put('x1\nno\ny1\nx2'),
      regexPattern: '^([xy])\\d',
    });
    expect(contents(uris)).toEqual(['x1\nx2\n', 'y1\n']);
  });
});

describe('pieces', () => {
  const of = async (chunks: readonly (string | Buffer)[], separator: string): Promise<string[]> => {
    const found: string[] = [];
    for await (const piece of pieces(Readable.from(chunks), separator)) found.push(piece);
    return found;
  };

  it('are found across chunks, also when a character or the separator is cut', async () => {
    const bytes = Buffer.from('é--b--');
    expect(await of([bytes.subarray(0, 1), bytes.subarray(1, 3), bytes.subarray(3)], '--')).toEqual(['é', 'b']);
    expect(await of(['a\n\nb'], '\n')).toEqual(['a', '', 'b']);
    expect(await of([], '\n')).toEqual([]);
  });
});

describe('the rule of a split', () => {
  it.each([
    [{ rows: 0 }, "Property 'rows' must be a whole number from 1"],
    [{ partitions: 100_000 }, "Property 'partitions' must be a whole number from 1 to 1000"],
    [{ regexPattern: '(' }, "Property 'regexPattern' is no regular expression"],
    [{ regexPattern: 'a' }, "Property 'regexPattern' needs a group"],
    [{ rows: 1, bytes: 1 }, 'Give one of rows, bytes, partitions and regexPattern, and not rows and bytes'],
  ])('%j is refused', (rule, message) => {
    expect(() => createSplitter({ separator: '\n', ...rule })).toThrow(message);
  });

  it.each([
    ['10KB', 10_240],
    ['1.5 MB', 1_572_864],
    ['1 GiB', 1_073_741_824],
    ['7', 7],
    [12, 12],
  ])('the size %s is %d bytes', (written, bytes) => expect(bytesOf(written)).toBe(bytes));

  it('a size that is none is refused', () => expect(() => bytesOf('ten')).toThrow('A size is written as'));
});
