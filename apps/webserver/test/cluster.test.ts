import { outgoing, type DeadLetter, type WorkerCommand } from '@millrace/model';
import { HELLO, startServer, topics, USER, type TestServer } from './server.js';

let server: TestServer;
beforeEach(async () => (server = await startServer()));
afterEach(() => server.stop());

interface Listed {
  readonly results: readonly { readonly id: string; readonly type: string; readonly state: string }[];
  readonly total: number;
}
const PLACE = '/api/v1/instance';
const listed = async (query: string): Promise<Listed> =>
  (await (await server.get(`${PLACE}/services/search?${query}`)).json()) as Listed;

/** A server that tells of itself. */
const heartbeat = (instance: string, role: 'worker' | 'scheduler', state: 'RUNNING' | 'TERMINATED_GRACEFULLY') =>
  outgoing({
    topic: topics.serviceEvents,
    key: instance,
    value: {
      kind: 'heartbeat',
      service: {
        instance,
        role,
        state,
        host: 'elsewhere',
        startedAt: Date.now() - 60_000,
        heartbeatAt: Date.now(),
        format: 1,
        version: '9.9.9',
        ...(role === 'worker' ? { group: 'gpu', slots: 8, freeSlots: 3 } : {}),
      },
    },
  });

async function join(...members: Parameters<typeof heartbeat>[]): Promise<void> {
  const services = await server.queue.view(topics.services);
  await server.publish(...members.map((member) => heartbeat(...member)));
  const isThere = (): boolean => members.every(([instance]) => services.records(instance).size > 0);
  expect(await services.waitFor(isThere, 30_000)).toBe(true);
}

describe('the servers of the installation', () => {
  it('are counted, listed, filtered and sorted', async () => {
    await join(['w1', 'worker', 'RUNNING'], ['w2', 'worker', 'RUNNING'], ['s1', 'scheduler', 'TERMINATED_GRACEFULLY']);
    expect(await server.json(`${PLACE}/services/active`)).toMatchObject({
      services: expect.arrayContaining([{ type: 'WORKER', total: 2 }]),
    });
    expect((await listed('type=WORKER&sort=id:desc')).results.map(({ id }) => id)).toEqual(['w2', 'w1']);
    expect(await listed('type=WORKER&size=1&page=2')).toMatchObject({ total: 2, results: [{ id: 'w2' }] });
    expect((await listed('state=TERMINATED_GRACEFULLY')).results.map(({ id }) => id)).toEqual(['s1']);
    expect((await server.get(`${PLACE}/services/search?state=ASLEEP`)).status).toBe(422);
    expect((await server.get(`${PLACE}/services/search?sort=colour`)).status).toBe(422);
    expect(await server.json(`${PLACE}/services/w1`)).toMatchObject({
      type: 'WORKER',
      server: { hostname: 'elsewhere', version: '9.9.9' },
      props: { 'worker.group': 'gpu' },
      metrics: [
        { name: 'worker.slots', value: 8 },
        { name: 'worker.slots.free', value: 3 },
      ],
    });
  });

  it('are drained by a command that is keyed by the instance', async () => {
    await join(['w1', 'worker', 'RUNNING'], ['w2', 'worker', 'TERMINATED_GRACEFULLY']);
    const commands: WorkerCommand[] = [];
    await server.queue.tail(topics.workerCommands, {
      key: 'w1',
      onRecord: ({ value }) => value && commands.push(value),
    });
    expect((await server.call('POST', `${PLACE}/services/w1/drain`)).status).toBe(202);
    expect(commands).toEqual([{ kind: 'drain', instance: 'w1' }]);
    const unknown = await server.call('POST', `${PLACE}/services/nobody/drain`);
    expect(unknown.status).toBe(404);
    expect(await unknown.json()).toMatchObject({ message: expect.stringMatching(/no server 'nobody'.*worker w1/) });
    const gone = await server.call('POST', `${PLACE}/services/w2/drain`);
    expect(gone.status).toBe(409);
    expect(await gone.json()).toMatchObject({ message: expect.stringMatching(/ended already.*worker w1/) });
  });

  it('say how the installation does, and what needs a person', async () => {
    await join(['w1', 'worker', 'RUNNING']);
    const status = await server.json(`${PLACE}/status`);
    expect(status).toMatchObject({
      formatLevel: 1,
      healthy: false,
      problems: [{ what: 'No scheduler is alive: triggers start nothing' }],
      groups: expect.arrayContaining([{ group: 'gpu', workers: 1, slots: 8, running: 5, waiting: 0 }]),
      deadLetters: {},
    });
    expect(status['processors']).toContainEqual(
      expect.objectContaining({ name: 'scheduler', withoutOwner: [0, 1], lag: 0 }),
    );
    expect(status).not.toHaveProperty('index');
  });

  it('are figures for scrapers', async () => {
    await join(['w1', 'worker', 'RUNNING']);
    const figures = await (await server.get('/metrics')).text();
    expect(figures).toContain('millrace_members{role="worker",state="RUNNING"} 1');
    // Executors tell each partition of a worker that has come: that may not be applied yet.
    expect(figures).toMatch(/millrace_processor_lag\{processor="executor"\} \d+/);
    expect(figures).toContain('millrace_jobs_waiting{group="gpu"} 0');
    expect(figures).toContain('millrace_jobs_running{group="gpu"} 5');
    expect(figures).toContain('millrace_maintenance 0');
    expect(figures).toMatch(/# HELP millrace_dead_letters \w/);
  });
});

describe('records that nobody could handle', () => {
  /** Letters as processors leave them. */
  const letter = (rest: Partial<DeadLetter>) =>
    outgoing({
      topic: topics.deadLetters,
      key: rest.key ?? 'k',
      value: {
        topic: 'execution-events',
        partition: 0,
        position: 1,
        key: 'main/e1',
        value: { kind: 'kill-requested', tenant: 'main', executionId: 'e1', by: 'a secret' },
        processor: 'executor',
        reason: 'Error: broken',
        at: Date.now(),
        ...rest,
      },
    });
  const replay = async (body: object) =>
    (await (
      await server.call('POST', `${PLACE}/dead-letters/replay`, {
        body: JSON.stringify(body),
        headers: { 'content-type': 'application/json' },
      })
    ).json()) as object;

  it('are listed without their values, the newest first, and shown with them', async () => {
    await server.publish(letter({}), letter({ processor: 'scheduler', topic: 'trigger-events' }));
    const page = await server.json(`${PLACE}/dead-letters`);
    expect(page).toMatchObject({ total: 2, results: [{ id: '0-2', processor: 'scheduler' }, { id: '0-1' }] });
    expect(JSON.stringify(page)).not.toContain('secret');
    expect(await server.json(`${PLACE}/dead-letters?processor=executor`)).toMatchObject({
      total: 1,
      results: [{ id: '0-1', reason: 'Error: broken' }],
    });
    expect(await server.json(`${PLACE}/dead-letters/0-1`)).toMatchObject({ value: { by: 'a secret' } });
    expect((await server.get(`${PLACE}/dead-letters/0-9`)).status).toBe(404);
    expect(JSON.stringify(server.entries)).not.toContain('secret');
  });

  it('are published again once', async () => {
    await server.publish(letter({}), letter({ processor: 'scheduler' }));
    const heard: string[] = [];
    await server.queue.tail(topics.executionEvents, {
      onRecord: ({ key, value }) => heard.push(`${key} ${value?.kind}`),
    });
    expect(await replay({ ids: ['0-1'] })).toEqual({ replayed: ['0-1'], refused: [], left: 0 });
    expect(heard).toEqual(['main/e1 kill-requested']);
    expect(await replay({ ids: ['0-1', '0-7'] })).toMatchObject({
      replayed: [],
      refused: [
        { id: '0-1', message: expect.stringContaining(`replayed by ${USER}`) },
        { id: '0-7', message: 'There is no such dead letter' },
      ],
    });
    expect(await server.json(`${PLACE}/dead-letters?processor=executor`)).toMatchObject({
      results: [{ replayed: { by: USER } }],
    });
    expect(await replay({ all: true, processor: 'scheduler' })).toMatchObject({ replayed: ['0-2'] });
    expect(await replay({ all: true })).toEqual({ replayed: [], refused: [], left: 0 });
    expect(await replay({ ids: ['0-1'], again: true })).toMatchObject({ replayed: ['0-1'] });
    expect(heard).toHaveLength(3);
  });

  it('are refused with a sentence when there is nothing to publish', async () => {
    await server.publish(
      letter({ topic: 'executions', processor: 'indexer' }),
      letter({ value: { kind: 'wake' } }),
      letter({ key: '' }),
      letter({ value: 'only the begin' }),
    );
    expect(await replay({ ids: ['0-1', '0-2', '0-3', '0-4'] })).toMatchObject({
      replayed: [],
      refused: [
        { message: expect.stringMatching(/still in 'executions'.*index rebuild/) },
        { message: expect.stringMatching(/timer/) },
        { message: expect.stringMatching(/every partition/) },
        { message: expect.stringMatching(/cannot be read: only the beginning/) },
      ],
    });
    expect(await replay({ ids: ['0-1'], all: true })).toMatchObject({ message: expect.stringMatching(/Give either/) });
  });

  it('come from events that cannot be handled', async () => {
    await server.yaml('POST', '/api/v1/main/flows', HELLO);
    const letters = new Promise<void>((resolve, reject) => {
      server.queue.tail(topics.deadLetters, { onRecord: () => resolve() }).catch(reject);
    });
    await server.publish({ topic: topics.executionEvents, key: 'main/x', value: ['no', 'event'] });
    await letters;
    expect(await server.json(`${PLACE}/status`)).toMatchObject({ deadLetters: { executor: 1 } });
  });
});
