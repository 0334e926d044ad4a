import { buffer, text } from 'node:stream/consumers';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { zipEntries, zipOf } from '@millrace/storage';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'millrace-zip-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

it('holds files with their rights, texts and streams, read from bytes or from a file', async () => {
  const [script, archive] = [join(directory, 'run.sh'), join(directory, 'all.zip')];
  await writeFile(script, 'echo');
  await chmod(script, 0o750);
  const bytes = await buffer(
    zipOf([
      ['a/run.sh', { path: script }],
      ['b.txt', { text: 'täxt' }],
      ['c.txt', { open: () => Promise.resolve(Readable.from([Buffer.from('stream')])) }],
    ]),
  );
  await writeFile(archive, bytes);
  for (const source of [bytes, archive]) {
    const found: unknown[] = [];
    for await (const { name, mode, read } of zipEntries(source)) found.push([name, mode, await text(await read())]);
    expect(found).toEqual([
      ['a/run.sh', 0o750, 'echo'],
      ['b.txt', 0o664, 'täxt'],
      ['c.txt', 0o664, 'stream'],
    ]);
  }
});

it('fails when a file cannot be read', async () => {
  const gone = zipOf([['gone', { path: join(directory, 'gone') }]]);
  await expect(buffer(gone)).rejects.toThrow('ENOENT');
  const broken = zipOf([['broken', { open: () => Promise.reject(new Error('no such object')) }]]);
  await expect(buffer(broken)).rejects.toThrow('no such object');
});

it('refuses what is no archive, and names that lead out of it', async () => {
  const read = async (bytes: Buffer): Promise<void> => {
    for await (const entry of zipEntries(bytes)) expect(entry.name).toBe('never');
  };
  await expect(read(Buffer.from('no zip'))).rejects.toThrow();
  const fine = await buffer(zipOf([['aa/x', { text: '' }]]));
  const leading = Buffer.from(fine.toString('latin1').replaceAll('aa/x', '../x'), 'latin1');
  await expect(read(leading)).rejects.toThrow('../x');
});
