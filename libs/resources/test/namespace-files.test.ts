import { Scope } from '@millrace/authorization';
import { createNamespaceFiles, type NamespaceFiles } from '../src/index.js';
import { createInstallation, MAIN, type Installation } from './installation.js';

let installation: Installation;
let files: NamespaceFiles;
let elsewhere: NamespaceFiles;

beforeEach(async () => {
  installation = await createInstallation();
  files = createNamespaceFiles(await installation.server('one'), installation.storage);
  elsewhere = createNamespaceFiles(await installation.server('two'), installation.storage);
});
afterEach(() => installation.stop());

const save = (path: string, content = path, rest: object = {}) =>
  files.save(MAIN, { namespace: 'team', path, content, ...rest });

async function contentOf(path: string, version?: number): Promise<string | undefined> {
  const file = await elsewhere.find(MAIN, 'team', path, version);
  if (!file) return undefined;
  const chunks: Buffer[] = [];
  for await (const chunk of await elsewhere.read(MAIN, file)) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString();
}

const pathsIn = async (folder: string): Promise<unknown> =>
  (await elsewhere.list(MAIN, 'team', folder)).map(({ path, type }) => (type === 'file' ? path : `${path}/`));

it('what one server has written another reads, each version under its number', async () => {
  expect(await save('/a/b.txt', 'one')).toMatchObject({ path: 'a/b.txt', version: 1, size: 3 });
  await save('a/b.txt', 'two');
  expect(await contentOf('a/b.txt')).toBe('two');
  expect(await contentOf('a/b.txt', 1)).toBe('one');
  expect(await contentOf('a/b.txt', 3)).toBeUndefined();
  expect(elsewhere.uriOf({ namespace: 'team', path: 'a/b.txt', version: 2 })).toBe('kestra:///team/_files/a/b.txt.v2');
  expect((await elsewhere.versions(MAIN, 'team', 'a/b.txt')).map(({ version, size }) => [version, size])).toEqual([
    [1, 3],
    [2, 3],
  ]);
});

it('two uploads at a time are two versions, and one of them is the newest', async () => {
  const [one, two] = await Promise.all([save('n', 'x'.repeat(10_000)), save('n', 'y')]);
  expect([one.version, two.version].sort()).toContain(2);
  expect(['x'.repeat(10_000), 'y']).toContain(await contentOf('n'));
  expect(await elsewhere.versions(MAIN, 'team', 'n')).toHaveLength(2);
});

it('a name that looks like a version is another file than the version', async () => {
  await save('n', 'one');
  await save('n.v2', 'other');
  await save('n', 'two');
  expect([await contentOf('n'), await contentOf('n.v2'), await contentOf('n', 1)]).toEqual(['two', 'other', 'one']);
});

it('folders are there when something is in them, or somebody made them', async () => {
  await save('a/b/c.txt');
  await save('z.txt');
  await files.makeFolder(MAIN, 'team', 'a/empty');
  await files.makeFolder(MAIN, 'team', 'a/empty');
  expect(await pathsIn('')).toEqual(['a/', 'z.txt']);
  expect(await pathsIn('/a/')).toEqual(['a/b/', 'a/empty/']);
  expect(await pathsIn('a/empty')).toEqual([]);
  expect(await elsewhere.find(MAIN, 'team', 'a')).toMatchObject({ type: 'directory', path: 'a' });
  expect((await elsewhere.files(MAIN, 'team')).map(({ path }) => path)).toEqual(['a/b/c.txt', 'z.txt']);
  await expect(elsewhere.list(MAIN, 'team', 'nowhere')).rejects.toMatchObject({ reason: 'unknown' });
  await expect(elsewhere.list(MAIN, 'team', 'z.txt')).rejects.toMatchObject({ reason: 'unknown' });
});

it('a file and a folder cannot be in one place', async () => {
  await save('a/b');
  await expect(save('a')).rejects.toMatchObject({ reason: 'conflict' });
  await expect(save('a/b/c')).rejects.toMatchObject({ reason: 'conflict' });
  await expect(files.makeFolder(MAIN, 'team', 'a/b/c')).rejects.toMatchObject({ reason: 'conflict' });
  await expect(files.makeFolder(MAIN, 'team', 'a/b')).rejects.toMatchObject({ reason: 'conflict' });
});

it('deleted files are in nobody’s way', async () => {
  await save('a/b');
  expect((await files.remove(MAIN, 'team', 'a')).map(({ path }) => path)).toEqual(['a/b']);
  expect(await elsewhere.find(MAIN, 'team', 'a')).toBeUndefined();
  await save('a', 'a file now');
  expect(await contentOf('a')).toBe('a file now');
  await files.remove(MAIN, 'team', 'a');
  await save('a/b/c', 'below again');
  expect(await contentOf('a/b/c')).toBe('below again');
});

it('a deleted file keeps its versions until they are purged', async () => {
  await save('n', 'one');
  await save('n', 'two');
  await files.remove(MAIN, 'team', 'n');
  expect(await contentOf('n')).toBeUndefined();
  expect(await contentOf('n', 2)).toBe('two');
  expect(await files.remove(MAIN, 'team', 'n')).toEqual([]);
  expect((await files.filesWithDeleted(MAIN, 'team')).map(({ path }) => path)).toEqual(['n']);
  expect(await files.purge(MAIN, 'team', 'n', { keepAmount: 1 })).toBe(1);
  expect(await files.purge(MAIN, 'team', 'n', { keepAmount: 0 })).toBe(1);
  expect(await elsewhere.versions(MAIN, 'team', 'n')).toEqual([]);
  expect(await installation.storage.list(MAIN, 'kestra:///team/_files')).toEqual([]);
  expect(await save('n', 'three')).toMatchObject({ version: 3 });
});

it('files and folders are moved with all that is in them', async () => {
  await save('a/one', '1');
  await save('a/sub/two', '2');
  await files.makeFolder(MAIN, 'team', 'a/empty');
  await files.move(MAIN, 'team', 'a', 'b/c');
  expect(await contentOf('b/c/sub/two')).toBe('2');
  expect(await pathsIn('b/c')).toEqual(['b/c/empty/', 'b/c/one', 'b/c/sub/']);
  expect(await pathsIn('')).toEqual(['b/']);
  await files.move(MAIN, 'team', 'b/c/one', 'one');
  expect(await contentOf('one')).toBe('1');
  await expect(files.move(MAIN, 'team', 'nothing', 'x')).rejects.toMatchObject({ reason: 'unknown' });
  await expect(files.move(MAIN, 'team', 'one', 'b')).rejects.toMatchObject({ reason: 'exists' });
  await expect(files.move(MAIN, 'team', 'b', 'b/d')).rejects.toMatchObject({ reason: 'invalid' });
});

it('a file that must not be overwritten is not, and leaves no content behind', async () => {
  await save('n', 'one');
  await expect(save('n', 'two', { overwrite: false })).rejects.toMatchObject({ reason: 'exists' });
  const uris = (await installation.storage.list(MAIN, 'kestra:///team/_files')).map(({ uri }) => uri);
  expect(uris).toEqual(['kestra:///team/_files/n']);
});

it.each([
  '../x',
  'a/../x',
  'a/./x',
  'a//b',
  'a\\b',
  'a\u0000b',
  'a\nb',
  '%2e%2e/x',
  '%252e%252e/x',
  'a%2fb',
  '',
  '/',
  'x'.repeat(513),
  'é'.repeat(121),
  Array.from({ length: 31 }, () => 'a').join('/'),
])('the path %j is refused', async (path) => {
  await expect(save(path, 'x')).rejects.toMatchObject({ reason: 'invalid' });
});

it('tenants are apart', async () => {
  await save('n', 'one');
  const acme = Scope.system('acme');
  expect(await files.find(acme, 'team', 'n')).toBeUndefined();
  expect(await files.files(acme, 'team')).toEqual([]);
  expect(await files.namespaces(acme)).toEqual([]);
  expect(await files.namespaces(MAIN)).toEqual(['team']);
});
