import { checkProperties, type TaskResult } from '@millrace/plugin-api';
import type { PlainObject } from '@millrace/model';
import { plugin } from '../src/index.js';
import { aContext, closeServers, serve } from './support.js';

afterEach(closeServers);

/** What was stored, by name. */
const stored = new Map<string, string>();
beforeEach(() => stored.clear());

async function run(type: string, properties: PlainObject): Promise<TaskResult> {
  const task = plugin.tasks.find((one) => one.type === type);
  const checked = task && checkProperties(task, properties);
  if (!task?.run || !checked?.ok) throw new Error(JSON.stringify(checked));
  const context = aContext();
  const files: typeof context.files = {
    ...context.files,
    store: async (name, content) => {
      let text = '';
      for await (const chunk of content as AsyncIterable<Buffer | string>) text += chunk.toString();
      stored.set(name, text);
      return `kestra:///${name}`;
    },
    remove: (uri) => Promise.resolve(stored.delete(uri.slice('kestra:///'.length))),
  };
  // The first result of a jq expression that names a member.
  const render = (_text: string, extra: PlainObject = {}): Promise<string> => {
    const data = JSON.parse(String(extra['data'])) as Record<string, unknown>;
    const value = data[String(extra['expression']).slice(1)];
    return Promise.resolve(JSON.stringify(value === undefined ? [] : [value]));
  };
  return task.run({ ...checked.properties, id: 't', type }, { ...context, files, render });
}

const download = (properties: PlainObject): Promise<TaskResult> => run('core.http.Download', properties);

describe('Download', () => {
  it('keeps a body of any size, with its name from the header', async () => {
    const body = 'x'.repeat(20 * 1024 * 1024);
    const url = await serve((_request, response) => {
      response.setHeader('content-disposition', 'attachment; filename="may report.csv"');
      response.end(body);
    });
    const { outputs } = await download({ uri: `${url}/other.txt` });
    expect(outputs).toMatchObject({ uri: 'kestra:///may report.csv', code: 200, length: body.length });
    expect(stored.get('may report.csv')).toHaveLength(body.length);
  });

  it.each([
    ['/data/file.csv?x=1', undefined, 'file.csv'],
    ['/a%20b.txt', undefined, 'a b.txt'],
    ['/', undefined, 'download'],
    ['/x', 'attachment; filename="../../etc/passwd"', 'passwd'],
    ['/x', "attachment; filename=plain.txt; filename*=UTF-8''caf%C3%A9.txt", 'café.txt'],
    ['/x', 'attachment; filename=".."', 'download'],
  ])('names the file of %s with %s: %s', async (path, disposition, name) => {
    const url = await serve((_request, response) => {
      if (disposition !== undefined) response.setHeader('content-disposition', disposition);
      response.end('content');
    });
    await download({ uri: url + path });
    expect([...stored.keys()]).toEqual([name]);
  });

  it('is saved under the name that is asked for', async () => {
    const url = await serve((_request, response) => response.end('content'));
    expect((await download({ uri: url, saveAs: 'mine.bin' })).outputs).toMatchObject({ uri: 'kestra:///mine.bin' });
  });

  it('fails without a body, and leaves nothing, unless that is allowed', async () => {
    const url = await serve((_request, response) => response.end());
    await expect(download({ uri: url })).rejects.toThrow('answered 200 without a body');
    expect(stored.size).toBe(0);
    expect((await download({ uri: url, failOnEmptyResponse: false })).outputs).toMatchObject({ length: 0 });
  });

  it('fails with the words of a failing status, and stores nothing', async () => {
    const url = await serve((_request, response) => response.writeHead(404).end('no such file'));
    await expect(download({ uri: url })).rejects.toThrow(/answered 404 Not Found: no such file/);
    expect(stored.size).toBe(0);
    expect((await download({ uri: url, options: { allowedResponseCodes: [404] } })).outputs).toMatchObject({
      code: 404,
    });
  });

  it('goes where it is redirected to', async () => {
    const url = await serve((request, response) => {
      if (request.url === '/') response.writeHead(302, { location: '/there.txt' }).end('moved');
      else response.end('content');
    });
    expect((await download({ uri: url })).outputs).toMatchObject({ code: 200, length: 7 });
  });

  it('fails when the connection breaks in the middle', async () => {
    const url = await serve((_request, response) => {
      response.writeHead(200, { 'content-length': '1000' });
      response.write('part', () => response.destroy());
    });
    await expect(download({ uri: url })).rejects.toThrow(/closed|broke|ended/i);
  });
});

describe('SseRequest', () => {
  const events =
    'id: 1\nevent: a\ndata: {"n":"x"}\n\n: a comment\n\ndata: {"m":1}\n\ndata: {"n":\ndata: "y"}\r\n\r\ndata: cut off';
  const serveEvents = (): Promise<string> =>
    serve((request, response) => {
      response.setHeader('content-type', 'text/event-stream');
      response.end(request.headers.accept === 'text/event-stream' ? events : '');
    });

  it('takes events to the end of the stream, and keeps them in a file', async () => {
    const { outputs } = await run('core.http.SseRequest', { uri: await serveEvents() });
    expect(outputs).toEqual({
      uri: 'kestra:///events.ion',
      size: 3,
      events: [{ id: '1', event: 'a', data: '{"n":"x"}' }, { data: '{"m":1}' }, { data: '{"n":\n"y"}' }],
    });
    expect(stored.get('events.ion')?.trim().split('\n')).toHaveLength(3);
  });

  it('joins what the jq expression gives; an event without it fails the task unless that is allowed', async () => {
    const asked = { uri: await serveEvents(), concatJqExpression: '.n' };
    await expect(run('core.http.SseRequest', asked)).rejects.toThrow("'concatJqExpression' gives nothing");
    const { outputs } = await run('core.http.SseRequest', { ...asked, failedOnMissingJq: false });
    expect(outputs).toMatchObject({ result: 'xy' });
  });

  it('fails with a failing status', async () => {
    const url = await serve((_request, response) => response.writeHead(500).end('broken'));
    await expect(run('core.http.SseRequest', { uri: url })).rejects.toThrow(
      'answered 500 Internal Server Error: broken',
    );
  });
});
