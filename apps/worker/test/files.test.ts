import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { createNamespaceFileReader } from '../src/services/namespace-files.js';
import { MAIN, startOwner } from './owner.js';
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
    const { namespaceFiles } = await startOwner(worker);
    const save = (namespace: string, path: string, content: string) =>
      namespaceFiles.save(MAIN, { namespace, path, content });
    for (let version = 1; version <= 10; version++) await save('company.team', 'a/b.txt', `version ${version}`);
    await save('company.team', 'lonely.v2', '');
    await save('company', 'b.txt', 'of the parent');
    expect(await read(worker, 'nsfile:///a/b.txt')).toBe('version 10');
    expect(await read(worker, 'nsfile://company/b.txt')).toBe('of the parent');
    expect(await read(worker, 'nsfile:///none.txt')).toBe("The namespace 'company.team' has no file 'none.txt'");
    expect(await createNamespaceFileReader('main', namespaceFiles).list('company.team')).toMatchObject([
      { path: 'a/b.txt', version: 10 },
      { path: 'lonely.v2', version: 1 },
    ]);
    expect(await createNamespaceFileReader('other', namespaceFiles).list('company.team')).toEqual([]);
  });
});
