import { fromBuffer } from 'yauzl';
import { ZipFile } from 'yazl';
import { HELLO, startServer, type TestServer } from './server.js';

const flow = (id: string, namespace = 'company.team', rest = ''): string =>
  `id: ${id}\nnamespace: ${namespace}\n${rest}tasks:\n  - {id: say, type: core.log.Log, message: hi} # kept\n`;

let server: TestServer;
beforeAll(async () => (server = await startServer()));
afterAll(() => server.stop());

const FLOWS = '/api/v1/main/flows';
const yaml = (path: string, body: string): Promise<Response> => server.yaml('POST', path, body);
const create = async (text: string): Promise<void> => {
  const response = await yaml(FLOWS, text);
  expect([response.status, response.status === 200 ? '' : await response.text()]).toEqual([200, '']);
};
const jsonOf = async <Value>(response: Response): Promise<Value> => (await response.json()) as Value;
const byJson = (method: string, path: string, body: unknown): Promise<Response> =>
  server.call(method, path, { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } });
const idsIn = async (namespace: string): Promise<readonly string[]> =>
  (await jsonOf<{ id: string }[]>(await server.get(`${FLOWS}/${namespace}`))).map(({ id }) => id);

describe('many flows at once', () => {
  it('are created, updated and deleted from one text', async () => {
    await create(flow('old', 'bulk.one'));
    await create(flow('kept', 'bulk.one'));
    const response = await yaml(
      `${FLOWS}/bulk`,
      `${flow('kept', 'bulk.one', 'description: new\n')}---\n${flow('added', 'bulk.one')}`,
    );
    expect(response.status).toBe(200);
    const saved = await jsonOf<{ id: string; revision: number; source: string }[]>(response);
    expect(saved.map(({ id, revision }) => [id, revision])).toEqual([
      ['kept', 2],
      ['added', 1],
    ]);
    expect(saved[1]?.source).toBe(flow('added', 'bulk.one'));
    expect(await idsIn('bulk.one')).toEqual(['added', 'kept']);
    // Other namespaces are left alone.
    await create(flow('elsewhere', 'bulk.two'));
    await yaml(`${FLOWS}/bulk?delete=false`, flow('more', 'bulk.one'));
    expect(await idsIn('bulk.one')).toEqual(['added', 'kept', 'more']);
    expect(await idsIn('bulk.two')).toEqual(['elsewhere']);
  });

  it('are refused as a whole when one is wrong, with the number of its document', async () => {
    const response = await yaml(
      `${FLOWS}/bulk`,
      `${flow('fine', 'bulk.three')}---\nid: broken\nnamespace: bulk.three\n`,
    );
    expect(response.status).toBe(422);
    expect(JSON.stringify(await response.json())).toContain('Document 2: The flow lacks the property');
    expect(await idsIn('bulk.three')).toEqual([]);
  });

  it('are refused when two have the same name, or are of another namespace', async () => {
    expect((await yaml(`${FLOWS}/bulk`, `${flow('same')}---\n${flow('same')}`)).status).toBe(422);
    expect((await yaml(`${FLOWS}/bulk?namespace=bulk.four`, flow('foreign', 'bulk.five'))).status).toBe(422);
    expect((await yaml(`${FLOWS}/bulk?namespace=bulk.four`, flow('child', 'bulk.four.child'))).status).toBe(422);
    const children = `${FLOWS}/bulk?namespace=bulk.four&allowNamespaceChild=true`;
    expect((await yaml(children, flow('child', 'bulk.four.child'))).status).toBe(200);
    // All that is missing below the namespace is deleted.
    expect((await yaml(children, flow('other', 'bulk.four'))).status).toBe(200);
    expect(await idsIn('bulk.four.child')).toEqual([]);
  });

  it('replace those of one namespace', async () => {
    await create(flow('before', 'whole'));
    expect((await yaml(`${FLOWS}/whole`, flow('x', 'other.place'))).status).toBe(422);
    expect((await yaml(`${FLOWS}/whole?override=true&delete=false`, flow('x', 'other.place'))).status).toBe(200);
    expect((await yaml(`${FLOWS}/whole`, flow('after', 'whole'))).status).toBe(200);
    expect(await idsIn('whole')).toEqual(['after']);
  });

  it('are disabled and enabled by their ids, and nothing else of their text changes', async () => {
    await create(flow('one', 'switch'));
    await create(flow('two', 'switch', 'disabled: no # by hand\n'));
    const ids = ['one', 'two'].map((id) => ({ namespace: 'switch', id }));
    expect(await jsonOf(await byJson('POST', `${FLOWS}/disable/by-ids`, ids))).toEqual({ count: 2 });
    const source = async (id: string): Promise<unknown> =>
      (await server.json(`${FLOWS}/switch/${id}?source=true`))['source'];
    expect(await source('one')).toBe(`disabled: true\n${flow('one', 'switch')}`);
    expect(await source('two')).toBe(flow('two', 'switch', 'disabled: true # by hand\n'));
    expect((await server.call('POST', '/api/v1/main/executions/switch/one')).status).toBe(409);
    expect(await jsonOf(await server.call('POST', `${FLOWS}/enable/by-query?namespace=switch`))).toEqual({ count: 2 });
    expect(await source('two')).toBe(flow('two', 'switch', 'disabled: false # by hand\n'));
    expect((await server.call('POST', '/api/v1/main/executions/switch/one')).status).toBe(200);
    const unknown = await byJson('POST', `${FLOWS}/disable/by-ids`, [...ids, { namespace: 'switch', id: 'none' }]);
    expect(unknown.status).toBe(422);
    expect(await unknown.json()).toMatchObject({ invalids: [{ invalidValue: 'switch.none' }] });
    expect((await server.json(`${FLOWS}/switch/one`))['disabled']).toBe(false);
  });

  it('are deleted by their ids or by a search', async () => {
    for (const id of ['a', 'b', 'c']) await create(flow(id, 'delete.me'));
    await byJson('DELETE', `${FLOWS}/delete/by-ids`, [{ namespace: 'delete.me', id: 'a' }]);
    expect(await idsIn('delete.me')).toEqual(['b', 'c']);
    expect(
      await jsonOf(await server.call('DELETE', `${FLOWS}/delete/by-query?filters[namespace][EQUALS]=delete.me`)),
    ).toEqual({
      count: 2,
    });
    expect(await idsIn('delete.me')).toEqual([]);
  });
});

describe('archives', () => {
  const unpacked = (bytes: Buffer): Promise<readonly string[]> =>
    new Promise((resolve, reject) => {
      const names: string[] = [];
      fromBuffer(bytes, { lazyEntries: false }, (error, zip) => {
        if (error) return reject(error);
        zip.on('entry', ({ fileName }: { fileName: string }) => names.push(fileName));
        zip.on('end', () => resolve(names));
      });
    });
  const upload = (bytes: Uint8Array<ArrayBuffer>, name: string, query = ''): Promise<Response> => {
    const body = new FormData();
    body.append('fileUpload', new Blob([bytes]), name);
    return server.call('POST', `${FLOWS}/import${query}`, { body });
  };

  it('hold the texts of flows, which come back as they were', async () => {
    await create(flow('first', 'archive'));
    await create(flow('second', 'archive'));
    const response = await server.get(`${FLOWS}/export/by-query?namespace=archive`);
    expect(response.headers.get('content-disposition')).toContain('flows.zip');
    const bytes = Buffer.from(await response.arrayBuffer());
    expect(await unpacked(bytes)).toEqual(['archive.first.yml', 'archive.second.yml']);
    await server.call('DELETE', `${FLOWS}/delete/by-query?namespace=archive`);
    expect(await jsonOf(await upload(new Uint8Array(bytes), 'flows.zip'))).toEqual([]);
    expect((await server.json(`${FLOWS}/archive/first?source=true`))['source']).toBe(flow('first', 'archive'));
    const one = await byJson('POST', `${FLOWS}/export/by-ids`, [{ namespace: 'archive', id: 'first' }]);
    expect(await unpacked(Buffer.from(await one.arrayBuffer()))).toEqual(['archive.first.yml']);
  });

  it('are imported as far as flows are right, and the names of the others are told', async () => {
    const text = new TextEncoder().encode(`${flow('right', 'imported')}---\nid: wrong\nnamespace: imported\n`);
    expect((await upload(text, 'flows.yml', '?failOnError=true')).status).toBe(422);
    expect(await idsIn('imported')).toEqual([]);
    expect(await jsonOf(await upload(text, 'flows.yml'))).toEqual(['wrong']);
    expect(await idsIn('imported')).toEqual(['right']);
  });

  it('are refused when they are damaged, are no text or are missing', async () => {
    expect((await upload(new TextEncoder().encode('PK\u0003\u0004 and no more'), 'x.zip')).status).toBe(422);
    expect((await upload(new Uint8Array([0xff, 0xfe, 0xfd]), 'x.yml')).status).toBe(422);
    const body = new FormData();
    body.append('other', 'x');
    expect((await server.call('POST', `${FLOWS}/import`, { body })).status).toBe(422);
  });

  it('are not unpacked beyond a limit, whatever they say of their size', async () => {
    const zip = new ZipFile();
    zip.addBuffer(Buffer.alloc(2 * 1024 * 1024, 0x20), 'bomb.yml');
    zip.end();
    const chunks: Buffer[] = [];
    for await (const chunk of zip.outputStream) chunks.push(Buffer.from(chunk as Uint8Array));
    expect((await upload(new Uint8Array(Buffer.concat(chunks)), 'bomb.zip')).status).toBe(413);
  });
});

describe('the search in texts', () => {
  it('finds flows by what is written in them, and shows where', async () => {
    await create(`# Needle in a comment\n${flow('haystack', 'searched')}`);
    expect(await server.json(`${FLOWS}/source?q=needle&namespace=searched`)).toMatchObject({
      total: 1,
      results: [{ model: { id: 'haystack' }, fragments: ['# [mark]Needle[/mark] in a comment'] }],
    });
    expect(await server.json(`${FLOWS}/source?q=needle&namespace=search`)).toEqual({ results: [], total: 0 });
  });
});

describe('revisions', () => {
  it('are deleted but for the newest', async () => {
    const path = `${FLOWS}/company.team/revised`;
    await create(flow('revised'));
    for (const text of ['b', 'c'])
      await server.yaml('PUT', path, flow('revised', 'company.team', `description: ${text}\n`));
    expect((await server.call('DELETE', `${path}/revisions?revisions=3`)).status).toBe(422);
    expect((await server.call('DELETE', `${path}/revisions?revisions=9`)).status).toBe(404);
    expect((await server.call('DELETE', `${path}/revisions?revisions=x`)).status).toBe(422);
    expect((await server.call('DELETE', `${path}/revisions?revisions=1&revisions=2`)).status).toBe(200);
    const left = await jsonOf<{ revision: number }[]>(await server.get(`${path}/revisions`));
    expect(left.map(({ revision }) => revision)).toEqual([3]);
  });
});

describe('parts of flows', () => {
  const part = async (path: string, body: string, type = 'application/x-yaml'): Promise<Record<string, unknown>> =>
    jsonOf(await server.call('POST', `${FLOWS}/validate/${path}`, { body, headers: { 'content-type': type } }));

  it('are checked by themselves, with places in their own text', async () => {
    expect(
      await part('task?section=TASKS', 'id: a\ntype: core.log.Log\nmessage: "{{ outputs.other.value }}"\n'),
    ).toEqual({
      index: 0,
      outdated: false,
      deprecationPaths: [],
      warnings: [],
      infos: [],
    });
    const wrong = await part('task', '---\nid: a\ntype: core.log.Log\nmesage: hi\n');
    expect(wrong['constraints']).toContain("4:1 mesage: The property 'mesage' is not known");
    expect(
      await part('task', JSON.stringify({ id: 'a', type: 'core.nothing.Here' }, null, 2), 'application/json'),
    ).toMatchObject({
      constraints: expect.stringContaining('The task type') as string,
    });
    const trigger = { id: 't', type: 'io.kestra.plugin.core.trigger.Schedule', cron: '* * * * *' };
    expect(await part('trigger', JSON.stringify(trigger), 'application/json')).not.toHaveProperty('constraints');
    expect(await part('task?section=TRIGGERS', JSON.stringify({ ...trigger, cron: 'x' }))).toHaveProperty(
      'constraints',
    );
  });

  it('may come as files of a form, with their names', async () => {
    const body = new FormData();
    body.append('files', new Blob([flow('one')]), 'one.yml');
    body.append('files', new Blob(['id: two\n']), 'two.yml');
    const entries = await jsonOf<{ filename: string; index: number; constraints?: string }[]>(
      await server.call('POST', `${FLOWS}/validate`, { body }),
    );
    expect(entries.map(({ filename, index, constraints }) => [filename, index, constraints === undefined])).toEqual([
      ['one.yml', 0, true],
      ['two.yml', 1, false],
    ]);
  });
});

describe('drawings', () => {
  const child = `id: child\nnamespace: drawn\ntasks:\n  - {id: inner, type: core.log.Log, message: hi}\n`;
  beforeAll(async () => {
    await create(child);
    await create(HELLO.replace('id: hello', 'id: drawn'));
  });
  const uids = async (response: Response): Promise<readonly string[]> =>
    (await jsonOf<{ nodes: { uid: string }[] }>(response)).nodes.map(({ uid }) => uid);

  it('are made of stored flows and of texts', async () => {
    const chain = ['root.start', 'root.say', 'root.give', 'root.end'];
    expect(await uids(await server.get(`${FLOWS}/company.team/drawn/graph`))).toEqual(chain);
    expect(await uids(await yaml(`${FLOWS}/graph`, HELLO))).toEqual(chain);
    expect((await yaml(`${FLOWS}/graph`, 'id: x\n')).status).toBe(422);
    expect((await server.get(`${FLOWS}/company.team/none/graph`)).status).toBe(404);
  });

  it('of executions have their task runs', async () => {
    const started = await server.call('POST', '/api/v1/main/executions/company.team/drawn?wait=true');
    const { id } = await jsonOf<{ id: string }>(started);
    const graph = await server.json(`/api/v1/main/executions/${id}/graph`);
    expect(graph['nodes']).toContainEqual(
      expect.objectContaining({
        uid: 'root.give',
        taskRun: expect.objectContaining({ outputs: { value: 'world' } }) as object,
      }),
    );
  });
});

describe('dependencies', () => {
  it('are told for a flow, a namespace and all', async () => {
    const trigger = `triggers:\n  - id: t\n    type: core.trigger.Flow\n    preconditions: {id: p, flows: [{namespace: dependent, flowId: origin}]}\n`;
    await create(flow('origin', 'dependent'));
    await create(flow('listener', 'dependent.other', trigger));
    const topology = {
      nodes: [
        { uid: 'main_dependent_origin', namespace: 'dependent', id: 'origin' },
        { uid: 'main_dependent.other_listener', namespace: 'dependent.other', id: 'listener' },
      ],
      edges: [{ source: 'main_dependent_origin', target: 'main_dependent.other_listener', relation: 'FLOW_TRIGGER' }],
    };
    expect(await server.json(`${FLOWS}/dependent/origin/dependencies`)).toEqual(topology);
    expect(await server.json('/api/v1/main/namespaces/dependent/dependencies')).toEqual(topology);
    expect(await server.json('/api/v1/main/dependencies')).toEqual(topology);
    expect(await server.json(`${FLOWS}/dependent.other/listener/dependencies?destinationOnly=true`)).toMatchObject({
      edges: [],
    });
    expect((await server.get(`${FLOWS}/dependent/none/dependencies`)).status).toBe(404);
  });
});
