import { fromBuffer } from 'yauzl';
import { startServer, type TestServer } from './server.js';

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.stop());

const FILES = '/api/v1/main/namespaces/company.team/files';

function upload(path: string, content: string, part = 'fileContent'): Promise<Response> {
  const form = new FormData();
  form.append(part, new Blob([content]), 'whatever.txt');
  return server.call('POST', `${FILES}?path=${encodeURIComponent(path)}`, { body: form });
}

const content = async (path: string, rest = ''): Promise<string> =>
  (await server.get(`${FILES}?path=${encodeURIComponent(path)}${rest}`)).text();

it('files are written, read in each revision, and described', async () => {
  expect((await upload('/life/a.txt', 'one')).status).toBe(200);
  const changed = await upload('life/a.txt', 'second');
  expect(await changed.json()).toEqual({
    fileName: 'a.txt',
    type: 'File',
    size: 6,
    lastModifiedTime: expect.any(Number),
    creationTime: expect.any(Number),
  });
  expect([await content('/life/a.txt'), await content('life/a.txt', '&revision=1')]).toEqual(['second', 'one']);
  const answer = await server.get(`${FILES}?path=life/a.txt`);
  expect(answer.headers.get('content-disposition')).toContain('a.txt');
  expect(answer.headers.get('content-security-policy')).toContain('sandbox');
  expect(await server.json(`${FILES}/revisions?path=life/a.txt`)).toMatchObject([
    { revision: 1, size: 3 },
    { revision: 2, size: 6 },
  ]);
  expect(await server.json(`${FILES}/stats?path=life`)).toMatchObject({ fileName: 'life', type: 'Directory' });
  expect(await server.json(`${FILES}/stats?path=life/a.txt`)).toMatchObject({ fileName: 'a.txt', type: 'File' });
});

it('folders are made and listed', async () => {
  await upload('list/b.txt', 'b');
  await upload('list/sub/c.txt', 'c');
  expect((await server.call('POST', `${FILES}/directory?path=/list/empty`)).status).toBe(200);
  expect(await server.json(`${FILES}/directory?path=/list`)).toMatchObject([
    { fileName: 'b.txt', type: 'File' },
    { fileName: 'empty', type: 'Directory' },
    { fileName: 'sub', type: 'Directory' },
  ]);
  expect(await server.json(`${FILES}/search?q=SUB/C`)).toEqual(['/list/sub/c.txt']);
  expect((await server.get(`${FILES}/directory?path=/nowhere`)).status).toBe(404);
});

it('files and folders are moved and deleted', async () => {
  await upload('move/d.txt', 'd');
  expect((await server.call('PUT', `${FILES}?from=/move&to=/moved/deep`)).status).toBe(200);
  expect(await content('moved/deep/d.txt')).toBe('d');
  expect((await server.get(`${FILES}?path=move/d.txt`)).status).toBe(404);
  expect((await server.call('DELETE', `${FILES}?path=/moved`)).status).toBe(200);
  expect((await server.get(`${FILES}?path=moved/deep/d.txt`)).status).toBe(404);
  expect((await server.call('DELETE', `${FILES}?path=/moved`)).status).toBe(404);
});

it('all files are exported as an archive', async () => {
  await upload('zip/e.txt', 'e');
  const answer = await server.get(`${FILES}/export`);
  const bytes = Buffer.from(await answer.arrayBuffer());
  const names = await new Promise<string[]>((resolve, reject) => {
    fromBuffer(bytes, {}, (error, zip) => {
      if (error) return reject(error);
      const found: string[] = [];
      zip.on('entry', ({ fileName }: { fileName: string }) => found.push(fileName));
      zip.on('end', () => resolve(found));
      zip.on('error', reject);
    });
  });
  expect(names).toContain('zip/e.txt');
  expect(names).not.toContain('moved/deep/d.txt');
});

it.each(['../x', '/../../x', 'a/../../x', '%2e%2e/x', 'a//b', 'a\\b', 'a\u0000b', 'a\nb', 'x'.repeat(600), '/'])(
  'the path %j is refused, whatever is done with it',
  async (path) => {
    const encoded = encodeURIComponent(path);
    const statuses = await Promise.all([
      upload(path, 'x'),
      server.call('POST', `${FILES}/directory?path=${encoded}`),
      server.call('DELETE', `${FILES}?path=${encoded}`),
      server.call('PUT', `${FILES}?from=${encoded}&to=/y`),
      server.call('PUT', `${FILES}?from=/life/a.txt&to=${encoded}`),
    ]);
    for (const { status } of statuses) expect([404, 422]).toContain(status);
    expect(await content('life/a.txt')).toBe('second');
  },
);

it.each<[string, () => Promise<Response>, number]>([
  ['a form without the file', () => upload('x.txt', 'x', 'other'), 422],
  ['a path that is missing', () => server.call('POST', FILES, { body: new FormData() }), 400],
  ['a file that is not there', () => server.get(`${FILES}?path=none.txt`), 404],
  ['a revision that is not there', () => server.get(`${FILES}?path=life/a.txt&revision=9`), 404],
  ['a folder as a file', () => server.get(`${FILES}?path=life`), 422],
  ['a file where a folder is', () => upload('life', 'x'), 409],
  ['a folder where a file is', () => server.call('POST', `${FILES}/directory?path=life/a.txt`), 409],
  ['a move to what is there', () => server.call('PUT', `${FILES}?from=life/a.txt&to=list/b.txt`), 422],
  ['a move of nothing', () => server.call('PUT', `${FILES}?from=none&to=x`), 404],
  ['a search for nothing', () => server.get(`${FILES}/search`), 400],
  ['nobody', () => server.call('GET', `${FILES}?path=life/a.txt`, { headers: { authorization: 'none' } }), 401],
  ['another tenant', () => server.get('/api/v1/acme/namespaces/company.team/files?path=life/a.txt'), 404],
])('%s is refused', async (_what, call, status) => {
  expect((await call()).status).toBe(status);
});
