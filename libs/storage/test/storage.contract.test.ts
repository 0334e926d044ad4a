import { mkdirSync, mkdtempSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { Scope } from '@millrace/authorization';
import { StorageError, type Storage } from '../src/index.js';
import { createLocalStorage } from '../src/local/index.js';

/** An adapter under test. Each call makes a new, empty storage. */
interface Adapter {
  readonly name: string;
  create(options: { readonly fileBytesMax: number }): Promise<Storage>;
}

const FILE_BYTES_MAX = 1_000_000;

const ADAPTERS: readonly Adapter[] = [
  {
    name: 'local',
    create: (options) =>
      Promise.resolve(createLocalStorage({ directory: mkdtempSync(join(tmpdir(), 'millrace-storage-')), ...options })),
  },
];

const wanted = process.env['ADAPTERS']?.split(',');
const adapters = ADAPTERS.filter(({ name }) => wanted?.includes(name) ?? true);

async function textOf(
  storage: Storage,
  uri: string,
  scope = everything,
  range?: { start: number; end?: number },
): Promise<string> {
  let text = '';
  for await (const chunk of await storage.read(scope, uri, range)) text += String(chunk);
  return text;
}

const everything = Scope.system('main');
const codeOf = (error: unknown): unknown => (error instanceof StorageError ? error.code : error);

/** The code of the StorageError with which a call is refused. */
async function refusal(call: Promise<unknown>): Promise<unknown> {
  try {
    await call;
  } catch (error) {
    return codeOf(error);
  }
  return 'nothing was refused';
}

describe.each(adapters)('Storage: $name', ({ create }) => {
  let storage: Storage;
  beforeEach(async () => {
    storage = await create({ fileBytesMax: FILE_BYTES_MAX });
  });
  afterEach(() => storage.close());

  it.each([
    ['text', 'grüß'],
    ['bytes', Buffer.from('grüß')],
    ['a stream', Readable.from(['gr', 'üß'])],
    ['nothing', ''],
  ])('gives back %s that was written', async (_, content) => {
    const uri = 'kestra:///a/b/file.txt';
    const stored = await storage.put(everything, uri, content);
    const text = content === '' ? '' : 'grüß';
    expect(stored).toMatchObject({ uri, kind: 'file', size: Buffer.byteLength(text) });
    expect(await textOf(storage, uri)).toBe(text);
    expect(await storage.stat(everything, uri)).toMatchObject({ uri, kind: 'file', size: Buffer.byteLength(text) });
  });

  it('replaces a whole file', async () => {
    await storage.put(everything, 'kestra:///a/f', 'a long content');
    await storage.put(everything, 'kestra:///a/f', 'short');
    expect(await textOf(storage, 'kestra:///a/f')).toBe('short');
  });

  it('keeps the old content, and nothing else, when a write fails in the middle', async () => {
    await storage.put(everything, 'kestra:///a/f', 'old');
    const broken = Readable.from(
      (async function* () {
        yield 'new';
        await Promise.resolve();
        throw new Error('the source broke');
      })(),
    );
    await expect(storage.put(everything, 'kestra:///a/f', broken)).rejects.toThrow('the source broke');
    expect(await textOf(storage, 'kestra:///a/f')).toBe('old');
    expect(await storage.list(everything, 'kestra:///a')).toHaveLength(1);
  });

  it('lets one of several concurrent writers win as a whole', async () => {
    const contents = Array.from({ length: 10 }, (_, index) => String(index).repeat(50_000));
    await Promise.all(contents.map((content) => storage.put(everything, 'kestra:///a/f', content)));
    expect(contents).toContain(await textOf(storage, 'kestra:///a/f'));
  });

  it.each([
    ['from the middle', { start: 2 }, 'cdef'],
    ['both ends included', { start: 1, end: 3 }, 'bcd'],
    ['beyond the end', { start: 3, end: 100 }, 'def'],
    ['after the end', { start: 6 }, ''],
  ])('reads a range %s', async (_, range, expected) => {
    await storage.put(everything, 'kestra:///a/f', 'abcdef');
    expect(await textOf(storage, 'kestra:///a/f', everything, range)).toBe(expected);
  });

  it('does not know what is not there', async () => {
    await storage.put(everything, 'kestra:///a/folder/f', 'x');
    for (const uri of ['kestra:///a/g', 'kestra:///b/f', 'kestra:///a/folder/f/below']) {
      expect(await storage.stat(everything, uri)).toBeUndefined();
      expect(await refusal(storage.read(everything, uri))).toBe('NOT_FOUND');
      expect(await storage.remove(everything, uri)).toBe(0);
    }
    expect(await refusal(storage.read(everything, 'kestra:///a/folder'))).toBe('NOT_FOUND');
    expect(await storage.list(everything, 'kestra:///nothing')).toEqual([]);
  });

  it('lists what is directly below, sorted', async () => {
    for (const name of ['b/2', 'a', 'c', 'b/1', 'B']) await storage.put(everything, `kestra:///top/${name}`, 'x');
    const listed = await storage.list(everything, 'kestra:///top');
    expect(listed.map(({ uri, kind }) => `${kind} ${uri}`)).toEqual([
      'file kestra:///top/B',
      'file kestra:///top/a',
      'directory kestra:///top/b',
      'file kestra:///top/c',
    ]);
  });

  it('removes a file or a folder with all below, and leaves no empty folder', async () => {
    for (const name of ['x/1', 'x/y/2', 'x/y/3', 'z/4']) await storage.put(everything, `kestra:///top/${name}`, 'x');
    expect(await storage.remove(everything, 'kestra:///top/x')).toBe(3);
    expect(await storage.remove(everything, 'kestra:///top/z/4')).toBe(1);
    expect(await storage.list(everything, 'kestra:///top')).toEqual([]);
    expect(await storage.stat(everything, 'kestra:///top')).toBeUndefined();
  });

  it.each([
    ['text', () => 'x'.repeat(FILE_BYTES_MAX + 1)],
    ['a stream', () => Readable.from([Buffer.alloc(FILE_BYTES_MAX), Buffer.alloc(1)])],
  ])('refuses %s that is too large', async (_, content) => {
    expect(await refusal(storage.put(everything, 'kestra:///a/f', content()))).toBe('TOO_LARGE');
    expect(await storage.stat(everything, 'kestra:///a/f')).toBeUndefined();
  });

  it('keeps tenants apart', async () => {
    await storage.put(everything, 'kestra:///a/f', 'main');
    const other = Scope.system('other');
    expect(await storage.stat(other, 'kestra:///a/f')).toBeUndefined();
    await storage.put(other, 'kestra:///a/f', 'other');
    await storage.remove(other, 'kestra:///a');
    expect(await textOf(storage, 'kestra:///a/f')).toBe('main');
  });

  it.each(['..', '../main', 'main/x', '.', '', 'Main', '.unfinished'])(
    'refuses a tenant that could be a path: %j',
    async (tenant) => {
      expect(await refusal(storage.stat(Scope.system(tenant), 'kestra:///a/f'))).toBe('INVALID_URI');
    },
  );

  it.each([
    'kestra:///..',
    'kestra:///a/../b',
    'kestra:///a/..',
    'kestra:///%2e%2e/b',
    'kestra:///a/%2E%2e/b',
    'kestra:///a/.%2e',
    'kestra:///%252e%252e/b',
    'kestra:///a/./b',
    'kestra:///.',
    'kestra:///a//b',
    'kestra:////a',
    'kestra:///a/',
    'kestra:///a\\b',
    'kestra:///a/..\\b',
    'kestra:///a%5cb',
    'kestra:///a%2fb',
    'kestra:///a%2f..%2fb',
    'kestra:///a\0b',
    'kestra:///a%00',
    'kestra:///a\nb',
    'kestra:///a%0ab',
    'kestra://a/b',
    'kestra:/a',
    'file:///etc/passwd',
    '/etc/passwd',
    'a',
    '',
    'KESTRA:///a',
    'kestra:///\ud800',
    `kestra:///${'a'.repeat(256)}`,
    `kestra:///${'ä'.repeat(128)}`,
    `kestra:///${'a/'.repeat(600)}a`,
  ])('refuses the URI %j in every call', async (uri) => {
    for (const call of [
      storage.put(everything, uri, 'x'),
      storage.read(everything, uri),
      storage.stat(everything, uri),
      storage.list(everything, uri),
      storage.remove(everything, uri),
    ]) {
      expect(await refusal(call)).toBe('INVALID_URI');
    }
  });

  it.each([
    'a b.txt',
    'ä',
    '...',
    '..a',
    'a..',
    '100%.txt',
    '%41',
    'a%zz',
    'x'.repeat(255),
    '日本',
    '-rf',
    '$(id)',
    "a'b",
    'a?b#c',
  ])('takes the file name %j', async (name) => {
    const uri = `kestra:///a/${name}`;
    await storage.put(everything, uri, name);
    expect(await textOf(storage, uri)).toBe(name);
    expect((await storage.list(everything, 'kestra:///a')).map((file) => file.uri)).toEqual([uri]);
  });

  it('does not write to a folder or below a file', async () => {
    await storage.put(everything, 'kestra:///a/f', 'x');
    for (const uri of ['kestra:///', 'kestra:///a', 'kestra:///a/f/below']) {
      expect(await refusal(storage.put(everything, uri, 'y'))).toBe('INVALID_URI');
    }
  });

  describe('with a scope of some namespaces', () => {
    const scope = Scope.granted('main', ['company.team']);
    const inside = [
      'company/team/_files/f',
      'company/team/sub/_files/f',
      'company/team/flow/executions/e/tasks/t/r/f',
      'company/team/sub/flow/executions/e/inputs/f',
    ];
    const outside = [
      'company/_files/f',
      'company/teams/_files/f',
      'other/_files/f',
      'company/team/executions/e/tasks/t/r/f',
      'company/team',
      'company',
      'company/flow/executions/company/team/_files/f',
    ];

    it.each(inside)('sees %s', async (path) => {
      await storage.put(scope, `kestra:///${path}`, 'x');
      expect(await textOf(storage, `kestra:///${path}`, scope)).toBe('x');
      expect(await storage.remove(scope, `kestra:///${path}`)).toBe(1);
    });

    it.each(outside)('answers for %s as if it were not there', async (path) => {
      const uri = `kestra:///${path}`;
      const file = `${uri}/there`;
      await storage.put(everything, file, 'x');
      expect(await storage.stat(scope, file)).toBeUndefined();
      expect(await refusal(storage.read(scope, file))).toBe('NOT_FOUND');
      expect(await storage.list(scope, uri)).toEqual([]);
      expect(await storage.remove(scope, uri)).toBe(0);
      expect(await refusal(storage.put(scope, file, 'y'))).toBe('INVALID_URI');
      expect(await textOf(storage, file)).toBe('x');
    });

    it('sees nothing when no namespace is granted', async () => {
      await storage.put(everything, 'kestra:///company/_files/f', 'x');
      const nothing = Scope.granted('main', 'NONE');
      expect(await storage.stat(nothing, 'kestra:///company/_files/f')).toBeUndefined();
      expect(await storage.list(nothing, 'kestra:///')).toEqual([]);
    });
  });
});

describe('Storage in a folder', () => {
  it('does not follow links that lead out of the tenant', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'millrace-storage-'));
    const secret = join(mkdtempSync(join(tmpdir(), 'millrace-outside-')), 'secret');
    writeFileSync(secret, 'hush');
    const storage = createLocalStorage({ directory });
    await storage.put(everything, 'kestra:///a/own', 'own');
    await storage.put(Scope.system('other'), 'kestra:///a/f', 'hush');
    symlinkSync(secret, join(directory, 'main/a/file'));
    symlinkSync(join(secret, '..'), join(directory, 'main/a/folder'));
    symlinkSync(join(directory, 'other/a'), join(directory, 'main/a/tenant'));
    symlinkSync('own', join(directory, 'main/a/link'));
    for (const name of ['file', 'folder/secret', 'tenant/f', 'folder/new']) {
      expect(await storage.stat(everything, `kestra:///a/${name}`)).toBeUndefined();
      expect(await refusal(storage.read(everything, `kestra:///a/${name}`))).toBe('NOT_FOUND');
      expect(await refusal(storage.put(everything, `kestra:///a/${name}`, 'x'))).toBe('INVALID_URI');
    }
    expect((await storage.list(everything, 'kestra:///a')).map(({ uri }) => uri)).toEqual([
      'kestra:///a/link',
      'kestra:///a/own',
    ]);
    expect(await textOf(storage, 'kestra:///a/link')).toBe('own');
  });

  it('leaves no unfinished file behind', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'millrace-storage-'));
    const storage = createLocalStorage({ directory, fileBytesMax: 3 });
    await storage.put(everything, 'kestra:///a/f', 'abc');
    await refusal(storage.put(everything, 'kestra:///a/g', Readable.from(['abcd'])));
    expect(readdirSync(join(directory, '.unfinished'))).toEqual([]);
  });

  it('says what is wrong with the disk', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'millrace-storage-'));
    mkdirSync(join(directory, 'file'));
    writeFileSync(join(directory, 'file/f'), '');
    const storage = createLocalStorage({ directory: join(directory, 'file/f') });
    const error = await storage.put(everything, 'kestra:///a/f', 'x').catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(StorageError);
  });
});
