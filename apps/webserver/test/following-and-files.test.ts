import { channel } from 'node:diagnostics_channel';
import { systemClock } from '@millrace/service';
import { getEventListeners, getMaxListeners, once } from 'node:events';
import { get, type ServerResponse } from 'node:http';
import { keyOf, outgoing, type LogEntry } from '@millrace/model';
import { createSentEntries, LOG_PAGE } from '../src/executions/follow.js';
import { createLive } from '../src/executions/live.js';
import { BASIC, HELLO, logRecord, SLEEPY, startServer, topics, type TestServer } from './server.js';

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
  await server.yaml('POST', '/api/v1/main/flows', HELLO);
  await server.yaml('POST', '/api/v1/main/flows', SLEEPY);
  await server.yaml(
    'POST',
    '/api/v1/main/flows',
    `id: filed
namespace: company.team
inputs:
  - id: doc
    type: FILE
tasks:
  - id: say
    type: core.log.Log
    message: "{{ inputs.doc }}"
`,
  );
});
afterAll(() => server.stop());

const start = async (
  flow: string,
  init: RequestInit = {},
  query = '',
): Promise<{ id: string; inputs: Record<string, string> }> =>
  (await server.call('POST', `/api/v1/main/executions/company.team/${flow}${query}`, init)).json() as Promise<{
    id: string;
    inputs: Record<string, string>;
  }>;

/** The events of a stream that has ended. */
const eventsOf = (text: string): { id: string; data: Record<string, unknown> }[] =>
  text
    .split('\n\n')
    .filter((block) => block.startsWith('id: '))
    .map((block) => {
      const [id = '', data = ''] = block.split('\n');
      return { id: id.slice(4), data: JSON.parse(data.slice(6)) as Record<string, unknown> };
    });

describe('following an execution', () => {
  it('begins with start, tells progress and ends with the last state', async () => {
    const { id } = await start('sleepy');
    const following = server.get(`/api/v1/main/executions/${id}/follow`);
    const stream = await following;
    expect(stream.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    await server.call('DELETE', `/api/v1/main/executions/${id}/kill`);
    const events = eventsOf(await stream.text());
    expect(events[0]).toEqual({ id: 'start', data: { id } });
    expect(events.slice(1, -1).every((event) => event.id === 'progress')).toBe(true);
    expect(events.at(-1)).toMatchObject({
      id: 'end',
      data: { id, state: { current: 'KILLED' }, taskRunList: [{ taskId: 'sleep', state: { current: 'KILLED' } }] },
    });
  });

  it('that has ended gives its state at once', async () => {
    const { id } = await start('hello', {}, '?wait=true');
    const events = eventsOf(await (await server.get(`/api/v1/main/executions/${id}/follow`)).text());
    expect(events.map((event) => event.id)).toEqual(['start', 'progress', 'end']);
    expect(events.at(-1)?.data).toMatchObject({ state: { current: 'SUCCESS' }, taskRunList: [{}, {}] });
  });

  it('that is unknown is 404 and no stream', async () => {
    expect((await server.get('/api/v1/main/executions/unknown1/follow')).status).toBe(404);
  });

  it('ends when the client goes away', async () => {
    const { id } = await start('sleepy');
    const gone = new AbortController();
    const stream = await server.call('GET', `/api/v1/main/executions/${id}/follow`, { signal: gone.signal });
    expect(stream.status).toBe(200);
    gone.abort();
    await expect(stream.text()).rejects.toThrow();
  });

  it('is ended by a server that stops', async () => {
    const other = await startServer();
    await other.yaml('POST', '/api/v1/main/flows', SLEEPY);
    const { id } = (await (await other.call('POST', '/api/v1/main/executions/company.team/sleepy')).json()) as {
      id: string;
    };
    const stream = await other.get(`/api/v1/main/executions/${id}/follow`);
    const [text] = await Promise.all([stream.text(), other.stop()]);
    expect(eventsOf(text)[0]).toMatchObject({ id: 'start' });
  });
});

describe('following a log', () => {
  it('gives every line once, those from before and those that come, then ends', async () => {
    const { id } = await start('sleepy');
    await server.json(`/api/v1/main/executions/${id}`);
    const line = (lineNumber: number, level: LogEntry['level'] = 'INFO') =>
      logRecord({
        tenant: 'main',
        namespace: 'company.team',
        flowId: 'sleepy',
        executionId: id,
        timestamp: 1_000 + lineNumber,
        level,
        message: `line ${lineNumber}`,
        taskRunSequence: 9,
        lineNumber,
      });
    await server.publish(line(1), line(2, 'DEBUG'));
    const stream = await server.get(`/api/v1/main/logs/${id}/follow?minLevel=INFO`);
    await server.publish(line(3), line(4));
    await server.call('DELETE', `/api/v1/main/executions/${id}/kill`);
    const events = eventsOf(await stream.text());
    expect([events[0]?.id, events.at(-1)?.id]).toEqual(['start', 'end']);
    const lines = events.map(({ data }) => String(data['message'])).filter((message) => message.startsWith('line '));
    expect(lines).toEqual(['line 1', 'line 3', 'line 4']);
  });
});

describe('a long log', () => {
  const LINES = 1_500;
  let id: string;
  beforeAll(async () => {
    id = (await start('sleepy')).id;
    await server.json(`/api/v1/main/executions/${id}`);
    const message = 'x'.repeat(15_000);
    for (let first = 0; first < LINES; first += 100) {
      await server.publish(
        ...Array.from({ length: 100 }, (_, at) =>
          logRecord({
            tenant: 'main',
            namespace: 'company.team',
            flowId: 'sleepy',
            executionId: id,
            taskId: at % 2 === 0 ? 'even' : 'odd',
            timestamp: 1_000 + first + at,
            level: 'INFO',
            message: `${first + at} ${message}`,
            taskRunSequence: 9,
            lineNumber: first + at,
          }),
        ),
      );
    }
  });
  afterEach(() => jest.restoreAllMocks());

  it('is answered whole, page by page, with other work in between', async () => {
    let turns = 0;
    let counting = true;
    const count = (): void => {
      turns++;
      if (counting) setImmediate(count);
    };
    count();
    const turnsAtPage: number[] = [];
    const logs = server.repository.logs;
    jest.spyOn(server.repository, 'logs').mockImplementation((...given) => {
      turnsAtPage.push(turns);
      return logs(...given);
    });
    const entries = (await (await server.get(`/api/v1/main/logs/${id}`)).json()) as { message: string }[];
    counting = false;
    expect(entries.map(({ message }) => Number.parseInt(message))).toEqual([...Array(LINES).keys()]);
    expect(turnsAtPage.length).toBeGreaterThan(5);
    expect(new Set(turnsAtPage).size).toBe(turnsAtPage.length);
  });

  it('is not read on when its reader does not', async () => {
    const logs = jest.spyOn(server.repository, 'logs');
    const requests = channel('http.server.request.start');
    const answering = new Promise<ServerResponse>((resolve) => {
      const take = (message: unknown): void => {
        requests.unsubscribe(take);
        resolve((message as { readonly response: ServerResponse }).response);
      };
      requests.subscribe(take);
    });
    const asking = get(`${server.url}/api/v1/main/logs/${id}`, { agent: false, headers: { authorization: BASIC } });
    await once(asking, 'response');
    const response = await answering;
    asking.destroy();
    if (!response.closed) await once(response, 'close');
    expect(logs.mock.calls.length).toBeLessThan(LINES / LOG_PAGE);
  });

  it('is filtered by task', async () => {
    const odd = (await (await server.get(`/api/v1/main/logs/${id}?taskId=odd`)).json()) as { message: string }[];
    expect(odd).toHaveLength(LINES / 2);
    expect(await server.json(`/api/v1/main/logs/${id}?taskId=none`)).toEqual([]);
  });
});

it('the entries that were sent are remembered as far back as it takes', () => {
  const entry = (timestamp: number): LogEntry => ({
    tenant: 'main',
    namespace: 'a',
    flowId: 'f',
    executionId: 'e1',
    timestamp,
    level: 'INFO',
    message: '',
    taskRunSequence: 0,
    lineNumber: 1,
  });
  const sent = createSentEntries(3);
  expect([1, 2, 3].map((at) => sent.add(entry(at)))).toEqual([true, true, true]);
  expect(sent.unsureFrom()).toBeUndefined();
  expect([3, 4, 5].map((at) => sent.add(entry(at)))).toEqual([false, true, true]);
  expect(sent.unsureFrom()).toMatchObject({ timestamp: 3 });
  expect([3, 4, 5].map((at) => sent.add(entry(at)))).toEqual([false, false, false]);
  expect(sent.size).toBe(3);
});

it('many streams at a time are nothing to warn of', async () => {
  const { id } = await start('sleepy');
  const listening = jest.spyOn(EventTarget.prototype, 'addEventListener');
  const gone = Array.from({ length: 12 }, () => new AbortController());
  const follow = ({ signal }: AbortController) =>
    server.call('GET', `/api/v1/main/executions/${id}/follow`, { signal });
  const streams = await Promise.all(gone.map(follow));
  expect(streams.map(({ status }) => status)).toEqual(Array(12).fill(200));
  const listeners = listening.mock.contexts.map((target) => ({
    count: getEventListeners(target as EventTarget, 'abort').length,
    max: getMaxListeners(target as EventTarget),
  }));
  expect(Math.max(...listeners.map(({ count }) => count))).toBeGreaterThanOrEqual(12);
  expect(listeners.filter(({ count, max }) => count > max)).toEqual([]);
  listening.mockRestore();
  for (const controller of gone) controller.abort();
  await Promise.allSettled(streams.map((stream) => stream.text()));
});

it('a record of another tenant than its key never reaches a follower, and is counted', async () => {
  let violations = 0;
  const live = await createLive({
    queue: server.queue,
    topics,
    clock: systemClock,
    onViolation: () => violations++,
    onError: (error) => {
      throw error;
    },
  });
  const heard: LogEntry[] = [];
  live.onLog('main', 'e1', (entry) => heard.push(entry));
  const entry: LogEntry = {
    tenant: 'acme',
    namespace: 'a',
    flowId: 'f',
    executionId: 'e1',
    timestamp: 1,
    level: 'INFO',
    message: 'secret',
    taskRunSequence: 0,
    lineNumber: 1,
  };
  await server.publish(
    logRecord(entry),
    outgoing({ topic: topics.logs, key: keyOf('main', 'e1'), value: entry }),
    logRecord({ ...entry, tenant: 'main', message: 'mine' }),
  );
  live.close();
  expect(heard.map(({ message }) => message)).toEqual(['mine']);
  expect(violations).toBe(1);
});

describe('files of an execution', () => {
  const formWith = (content: string, fileName: string): FormData => {
    const form = new FormData();
    form.append('doc', new Blob([content]), fileName);
    return form;
  };

  it('are stored as they are sent, and read back', async () => {
    const content = Array.from({ length: 300 }, (_, at) => `row ${at}`).join('\n');
    const { id, inputs } = await start('filed', { body: formWith(content, 'my report.csv') });
    const uri = inputs['doc'] ?? '';
    expect(uri).toBe(`kestra:///company/team/filed/executions/${id}/inputs/doc/my report.csv`);
    const path = encodeURIComponent(uri);
    const file = await server.get(`/api/v1/main/executions/${id}/file?path=${path}`);
    expect(await file.text()).toBe(content);
    expect(
      Object.fromEntries(
        ['content-type', 'content-disposition', 'x-content-type-options', 'content-security-policy'].map((name) => [
          name,
          file.headers.get(name),
        ]),
      ),
    ).toEqual({
      'content-type': 'application/octet-stream',
      'content-disposition': "attachment; filename*=UTF-8''my%20report.csv",
      'x-content-type-options': 'nosniff',
      'content-security-policy': "sandbox; default-src 'none'",
    });
    expect(await server.json(`/api/v1/main/executions/${id}/file/metas?path=${path}`)).toEqual({
      size: content.length,
    });
    expect(await server.json(`/api/v1/main/executions/${id}/file/preview?path=${path}&maxRows=2`)).toEqual({
      extension: 'csv',
      type: 'TEXT',
      content: 'row 0\nrow 1',
      truncated: true,
    });
    expect(await server.json(`/api/v1/main/executions/${id}/file/preview?path=${path}&maxRows=500`)).toMatchObject({
      truncated: false,
    });
  });

  it('belong to that execution only, however the path is written', async () => {
    const mine = await start('filed', { body: formWith('mine', 'a.txt') });
    const other = await start('filed', { body: formWith('other', 'a.txt') });
    const folder = `kestra:///company/team/filed/executions/${mine.id}`;
    const escapes = [
      other.inputs['doc'] ?? '',
      `${folder}/../${other.id}/inputs/doc/a.txt`,
      `${folder}/%2e%2e/${other.id}/inputs/doc/a.txt`,
      `${folder}/inputs/doc/..%2f..%2f..%2f${other.id}/inputs/doc/a.txt`,
      `${folder}x/inputs/doc/a.txt`,
      `${folder}/inputs//doc/a.txt`,
      `${folder}/inputs\\doc\\a.txt`,
      folder,
      'kestra:///',
      'file:///etc/passwd',
      '../../../../etc/passwd',
      `${folder}/inputs/doc/${'a'.repeat(2_000)}`,
    ];
    for (const path of escapes) {
      for (const route of ['file', 'file/metas', 'file/preview']) {
        const answer = await server.get(`/api/v1/main/executions/${mine.id}/${route}?path=${encodeURIComponent(path)}`);
        expect([path, answer.status]).toEqual([path, 422]);
      }
    }
    const missing = await server.get(
      `/api/v1/main/executions/${mine.id}/file?path=${encodeURIComponent(`${folder}/inputs/doc/none.txt`)}`,
    );
    expect(missing.status).toBe(404);
    expect(
      (await server.get(`/api/v1/main/executions/${mine.id}/file?path=${encodeURIComponent(`${folder}/inputs/doc`)}`))
        .status,
    ).toBe(404);
  });

  it.each(['../../evil.txt', '..', '/etc/passwd', 'C:\\temp\\a.txt', 'a\u0000b.txt', 'ä/ö.txt'])(
    'with the name %j stay in their folder or are refused',
    async (fileName) => {
      const answer = await server.call('POST', '/api/v1/main/executions/company.team/filed', {
        body: formWith('x', fileName),
      });
      const body = (await answer.json()) as { id?: string; inputs?: Record<string, string> };
      if (answer.status === 200)
        expect(body.inputs?.['doc']).toMatch(
          new RegExp(`^kestra:///company/team/filed/executions/${body.id}/inputs/doc/[^/]+$`),
        );
      else expect(answer.status).toBe(422);
    },
  );

  it('that nobody asked for are dropped', async () => {
    const answer = await server.call('POST', '/api/v1/main/executions/company.team/hello', {
      body: formWith('x'.repeat(100_000), 'a.txt'),
    });
    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject({ inputs: { name: 'world' } });
  });
});
