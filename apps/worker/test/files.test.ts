import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Scope } from '@millrace/authorization';
import { createLocalStorage } from '@millrace/storage/local';
import { storedNamespaceFiles } from '../src/namespace-file-reader.js';
import { aJob, startWorker, stopWorkers, type Started } from './support.js';
import { pluginOf } from './plugins.js';

afterEach(stopWorkers);

const reading = pluginOf(async ({ files }, { text }) => {
  let content = '';
  for await (const chunk of await files.read(String(text))) content += String(chunk);
  return { outputs: { content } };
});
const read = async (worker: Started, uri: string): Promise<unknown> => {
  const { outputs, error } = await worker.outcome(aJob({ type: 'test.Task', text: uri }));
  return outputs?.['content'] ?? error;
};

describe('Files of the machine', () => {
  const allowed = mkdtempSync(join(tmpdir(), 'millrace-allowed-'));
  const other = mkdtempSync(join(tmpdir(), 'millrace-other-'));
  writeFileSync(join(allowed, 'a.txt'), 'a');
  writeFileSync(join(other, 'secret.txt'), 's');
  mkdirSync(join(allowed, 'folder'));
  symlinkSync(join(other, 'secret.txt'), join(allowed, 'link.txt'));
  symlinkSync(join(allowed, 'a.txt'), join(allowed, 'own-link.txt'));
  const uri = (...parts: [string, ...string[]]): string => pathToFileURL(join(...parts)).href;

  it('are read below the folders that are allowed, links followed', async () => {
    const worker = await startWorker({ plugins: [reading], localFilePaths: ['/nowhere', allowed] });
    expect(await read(worker, uri(allowed, 'a.txt'))).toBe('a');
    expect(await read(worker, uri(allowed, 'own-link.txt'))).toBe('a');
    const refused = [
      uri(allowed, 'link.txt'),
      uri(allowed, 'folder'),
      uri(allowed, 'missing.txt'),
      uri(other, 'secret.txt'),
      uri(`${allowed}x`, 'a.txt'),
      `file://${allowed}/../${other.split('/').at(-1)}/secret.txt`,
      'file://host/a.txt',
      'file:///%2e%2e%2fetc/passwd',
    ];
    for (const one of refused) expect(await read(worker, one)).toMatch(/no file that this worker may read|not a URI/);
  });

  it('are not read when nothing is allowed', async () => {
    const worker = await startWorker({ plugins: [reading] });
    expect(await read(worker, uri(allowed, 'a.txt'))).toContain("'local-files.allowed-paths'");
  });
});

describe('Files of namespaces', () => {
  it('are read in their newest version, of the own namespace or another', async () => {
    const worker = await startWorker({ plugins: [reading] });
    const storage = createLocalStorage({ directory: join(worker.directory, 'storage') });
    const put = (path: string) => storage.put(Scope.system('main'), `kestra:///company/${path}`, path);
    await put('team/_files/a/b.txt');
    await put('team/_files/a/b.txt.v2');
    await put('team/_files/a/b.txt.v10');
    await put('team/_files/lonely.v2');
    await put('_files/b.txt');
    expect(await read(worker, 'nsfile:///a/b.txt')).toBe('team/_files/a/b.txt.v10');
    expect(await read(worker, 'nsfile://company/b.txt')).toBe('_files/b.txt');
    expect(await read(worker, 'nsfile:///none.txt')).toBe("The namespace 'company.team' has no file 'none.txt'");
    expect(await storedNamespaceFiles(storage, 'main').list('company.team')).toEqual([
      { path: 'a/b.txt', version: 10 },
      { path: 'lonely.v2', version: 1 },
    ]);
    expect(await storedNamespaceFiles(storage, 'other').list('company.team')).toEqual([]);
  });
});
