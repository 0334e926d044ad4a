import { keyOf, outgoing, type LogEntry, type MetricEntry } from '@millrace/model';
import { HELLO, logRecord, startServer, topics, type TestServer } from './server.js';

let server: TestServer;
let executionId: string;

beforeAll(async () => {
  server = await startServer();
  await server.yaml('POST', '/api/v1/main/flows', HELLO);
  const answer = await server.call('POST', '/api/v1/main/executions/company.team/hello?wait=true');
  executionId = ((await answer.json()) as { id: string }).id;
});
afterAll(() => server.stop());

const line = (message: string, rest: Partial<LogEntry> = {}): LogEntry => ({
  tenant: 'main',
  namespace: 'company.team',
  flowId: 'hello',
  executionId,
  taskId: 'say',
  taskRunId: 'run',
  attempt: 1,
  timestamp: Date.now(),
  level: 'INFO',
  message,
  taskRunSequence: 9,
  lineNumber: 0,
  ...rest,
});

const messages = async (): Promise<readonly string[]> =>
  ((await (await server.get(`/api/v1/main/logs/${executionId}`)).json()) as { message: string }[]).map(
    ({ message }) => message,
  );

it('a part of a log is deleted, then all of it', async () => {
  await server.publish(
    logRecord(line('a warning', { level: 'WARN' })),
    logRecord(line('of another attempt', { attempt: 2 })),
    logRecord(line('of another task', { taskId: 'other', taskRunId: 'other' })),
  );
  const path = `/api/v1/main/logs/${executionId}`;
  expect(await messages()).toEqual(['Hello world', 'a warning', 'of another attempt', 'of another task']);
  expect((await server.call('DELETE', `${path}?minLevel=WARN`)).status).toBe(200);
  await server.call('DELETE', `${path}?taskId=other&taskRunId=other`);
  await server.call('DELETE', `${path}?attempt=2`);
  expect(await messages()).toEqual(['Hello world']);
  await server.call('DELETE', path);
  expect(await messages()).toEqual([]);
  expect((await server.call('DELETE', '/api/v1/main/logs/unknown')).status).toBe(404);
});

it('the log of a trigger is deleted, and no other', async () => {
  const path = '/api/v1/main/logs/company.team/hello';
  await server.publish(
    logRecord(line('of the trigger', { triggerId: 'daily' })),
    logRecord(line('of an execution')),
    logRecord(line('of another flow', { flowId: 'other', triggerId: 'daily' })),
  );
  expect((await server.call('DELETE', path)).status).toBe(400);
  expect((await server.call('DELETE', `${path}?triggerId=daily`)).status).toBe(200);
  expect(await messages()).toEqual(['of an execution', 'of another flow']);
});

describe('metrics of a flow', () => {
  const metric = (name: string, value: number, taskId = 'give'): MetricEntry => ({
    tenant: 'main',
    namespace: 'company.team',
    flowId: 'hello',
    executionId,
    taskId,
    taskRunId: 'run',
    type: 'counter',
    name,
    value,
    tags: {},
    timestamp: Date.parse('2026-03-01T10:30:00Z'),
  });
  const PATH = '/api/v1/main/metrics';

  beforeAll(() =>
    server.publish(
      ...[metric('rows', 4), metric('rows', 6, 'say'), metric('bytes', 1)].map((value) =>
        outgoing({ topic: topics.metrics, key: keyOf('main', executionId), value }),
      ),
    ),
  );

  it('have names and tasks', async () => {
    expect(await server.json(`${PATH}/names/company.team/hello`)).toEqual(['bytes', 'duration', 'length', 'rows']);
    expect(await server.json(`${PATH}/names/company.team/hello/say`)).toEqual(['rows']);
    expect(await server.json(`${PATH}/tasks/company.team/hello`)).toEqual(['give', 'say']);
  });

  const range = 'startDate=2026-03-01T10:00:00Z&endDate=2026-03-01T18:00:00Z';

  it.each([
    ['', 10],
    ['&aggregation=avg', 5],
    ['&aggregation=MIN', 4],
    ['&aggregation=max', 6],
  ])('are aggregated over time%s', async (aggregation, value) => {
    const answer = await server.json(`${PATH}/aggregates/company.team/hello/rows?${range}${aggregation}`);
    expect(answer).toMatchObject({
      groupBy: 'hour',
      aggregations: expect.arrayContaining([{ name: 'rows', value, date: '2026-03-01T10:00:00.000Z' }]),
    });
  });

  it('are aggregated by task', async () => {
    const answer = await server.json(`${PATH}/aggregates/company.team/hello/say/rows?${range}`);
    expect(answer['aggregations']).toContainEqual({ name: 'rows', value: 6, date: '2026-03-01T10:00:00.000Z' });
  });

  it.each([
    'startDate=soon',
    'aggregation=median',
    'startDate=2026-03-02T00:00:00Z&endDate=2026-03-01T00:00:00Z',
    'startDate=1990-01-01T00:00:00Z',
  ])('are refused for %s', async (query) => {
    expect((await server.get(`${PATH}/aggregates/company.team/hello/rows?${query}`)).status).toBe(422);
  });
});
