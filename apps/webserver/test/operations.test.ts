import { Scope } from '@millrace/authorization';
import { derivedId } from '@millrace/model';
import { SLEEPY, startServer, USER, type TestServer } from './server.js';

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
  for (const source of [FLAKY, QUICK, SLEEPY, LOOP]) await server.yaml('POST', '/api/v1/main/flows', source);
});
afterAll(() => server.stop());

/** Fails unless it is told not to; the second revision never does. */
const FLAKY = `id: flaky
namespace: company.team
inputs:
  - {id: fails, type: BOOLEAN, defaults: true}
variables:
  colour: red
tasks:
  - {id: first, type: core.debug.Return, format: one}
  - id: block
    type: core.flow.Sequential
    tasks:
      - {id: check, type: core.execution.Fail, condition: "{{ inputs.fails }}"}
      - {id: after, type: core.debug.Return, format: "{{ outputs.first.value }} {{ vars.colour }}"}
  - {id: last, type: core.log.Log, message: done}
errors:
  - {id: alarm, type: core.log.Log, message: failed}
`;
const FIXED = FLAKY.replace('condition: "{{ inputs.fails }}"', 'condition: "false"').replace('red', 'blue');

const QUICK = `id: quick
namespace: company.team
tasks:
  - {id: one, type: core.log.Log, message: hi}
  - {id: two, type: core.log.Log, message: ho}
`;

const LOOP = `id: loop
namespace: company.team
tasks:
  - id: each
    type: core.flow.ForEach
    values: ["a", "b"]
    tasks:
      - {id: show, type: core.debug.Return, format: "{{ taskrun.value }}"}
  - {id: end, type: core.log.Log, message: end}
`;

interface TaskRunView {
  readonly id: string;
  readonly taskId: string;
  readonly value?: string;
  readonly outputs?: { readonly value?: string } & Record<string, unknown>;
  readonly attempts?: readonly unknown[];
  readonly state: { readonly current: string };
}
interface ExecutionView {
  readonly id: string;
  readonly originalId: string;
  readonly parentId?: string;
  readonly flowRevision: number;
  readonly inputs: Record<string, unknown>;
  readonly labels: readonly { readonly key: string; readonly value: string }[];
  readonly metadata: { readonly attemptNumber: number };
  readonly state: { readonly current: string; readonly histories: readonly { readonly state: string }[] };
  readonly taskRunList: readonly TaskRunView[];
}

const base = '/api/v1/main/executions';
const JSON_BODY = { 'content-type': 'application/json' };
const post = (path: string, body?: unknown): Promise<Response> =>
  server.call('POST', `${base}/${path}`, {
    ...(body === undefined ? {} : { body: JSON.stringify(body), headers: JSON_BODY }),
  });
const shown = async (answer: Promise<Response>): Promise<ExecutionView> => {
  const response = await answer;
  expect([response.status, response.status === 200 ? '' : await response.clone().text()]).toEqual([200, '']);
  return (await response.json()) as ExecutionView;
};
const started = (flow: string, query = ''): Promise<ExecutionView> => shown(post(`company.team/${flow}${query}`));
const ended = (flow: string): Promise<ExecutionView> => started(flow, '?wait=true');
const read = (id: string): Promise<ExecutionView> => shown(server.get(`${base}/${id}`));
/** The execution at its end. */
const atEnd = async (id: string): Promise<ExecutionView> => {
  const follow = await server.get(`${base}/${id}/follow`);
  await follow.text();
  return read(id);
};
const labelsOf = ({ labels }: ExecutionView): Record<string, string> =>
  Object.fromEntries(labels.map(({ key, value }) => [key, value]));
const story = ({ taskRunList }: ExecutionView): string =>
  taskRunList.map(({ taskId, state }) => `${taskId}:${state.current}`).join(' ');
const runOf = ({ taskRunList }: ExecutionView, taskId: string): TaskRunView => {
  const run = taskRunList.find((one) => one.taskId === taskId);
  if (!run) throw new Error(`No task run of '${taskId}'`);
  return run;
};

describe('restart', () => {
  it('keeps the id, and is refused when nothing failed', async () => {
    const failed = await ended('flaky');
    expect(story(failed)).toBe('first:SUCCESS block:FAILED check:FAILED alarm:SUCCESS');
    const restarted = await atEnd((await shown(post(`${failed.id}/restart`))).id);
    expect(restarted).toMatchObject({ id: failed.id, metadata: { attemptNumber: 2 } });
    expect(labelsOf(restarted)).toMatchObject({ 'system.restarted': 'true' });
    expect(restarted.state.histories.map(({ state }) => state)).toEqual([
      'CREATED',
      'RUNNING',
      'FAILED',
      'RESTARTED',
      'RUNNING',
      'FAILED',
    ]);
    expect(runOf(restarted, 'check')).toMatchObject({ id: runOf(failed, 'check').id });
    expect(runOf(restarted, 'check').attempts).toHaveLength(2);
    // The task runs of `errors` were removed and made anew.
    expect(runOf(restarted, 'alarm').id).not.toBe(runOf(failed, 'alarm').id);
    expect(restarted.taskRunList).toHaveLength(4);

    const fine = await ended('quick');
    expect((await post(`${fine.id}/restart`)).status).toBe(409);
    expect((await post('unknown0/restart')).status).toBe(404);
  });

  it('with another revision is a new execution that goes on where this one failed', async () => {
    const failed = await ended('flaky');
    const fixed = await server.yaml('PUT', '/api/v1/main/flows/company.team/flaky', FIXED);
    const { revision } = (await fixed.json()) as { revision: number };
    const made = await atEnd((await shown(post(`${failed.id}/restart?revision=${revision}`))).id);
    expect(made).toMatchObject({
      parentId: failed.id,
      originalId: failed.id,
      flowRevision: revision,
      metadata: { attemptNumber: 2 },
      state: { current: 'SUCCESS' },
    });
    expect(made.id).not.toBe(failed.id);
    expect(story(made)).toBe('first:SUCCESS block:SUCCESS check:SUCCESS after:SUCCESS last:SUCCESS');
    expect(runOf(made, 'after').outputs).toEqual({ value: 'one blue' });
    expect((await read(failed.id)).state.current).toBe('FAILED');
    expect((await post(`${failed.id}/restart?revision=99`)).status).toBe(404);
    await server.yaml('PUT', '/api/v1/main/flows/company.team/flaky', FLAKY);
  });
});

describe('replay', () => {
  it('from the beginning has the same inputs', async () => {
    const source = await started('flaky', '?wait=true&labels=run:7');
    const made = await atEnd((await shown(post(`${source.id}/replay`))).id);
    expect(made).toMatchObject({ originalId: source.id, parentId: source.id, inputs: { fails: true } });
    expect(labelsOf(made)).toMatchObject({ run: '7', 'system.replay': 'true', 'system.correlationId': source.id });
    expect(story(made)).toBe(story(source));
    expect(labelsOf(await read(source.id))).toMatchObject({ 'system.replayed': 'true' });
  });

  it('with inputs from a task run goes on from there', async () => {
    const source = await ended('flaky');
    const form = new FormData();
    form.append('fails', 'false');
    const answer = server.call(
      'POST',
      `${base}/${source.id}/replay-with-inputs?taskRunId=${runOf(source, 'check').id}`,
      {
        body: form,
      },
    );
    const made = await atEnd((await shown(answer)).id);
    expect(made).toMatchObject({
      inputs: { fails: false },
      state: { current: 'SUCCESS' },
      metadata: { attemptNumber: 1 },
    });
    expect(story(made)).toBe('first:SUCCESS block:SUCCESS check:SUCCESS after:SUCCESS last:SUCCESS');
    expect(made.taskRunList.map(({ id }) => id)).not.toContain(runOf(source, 'first').id);
    expect(made.state.histories.map(({ state }) => state)).toEqual(['CREATED', 'RESTARTED', 'RUNNING', 'SUCCESS']);
    expect(runOf(made, 'first').attempts).toHaveLength(1);
  });

  it('from a task run removes what came after it, and keeps the values of loops', async () => {
    const source = await ended('loop');
    const [a] = source.taskRunList.filter(({ taskId }) => taskId === 'show');
    const made = await atEnd((await shown(post(`${source.id}/replay?taskRunId=${a?.id}`))).id);
    expect(made.state.current).toBe('SUCCESS');
    expect(made.taskRunList.filter(({ taskId }) => taskId === 'show').map(({ outputs }) => outputs?.value)).toEqual([
      'a',
      'b',
    ]);
    expect(made.taskRunList.filter(({ taskId }) => taskId === 'end')).toHaveLength(1);
  });

  it('stops at breakpoints', async () => {
    const source = await ended('quick');
    const made = await shown(post(`${source.id}/replay?breakpoints=two`));
    const stopped = await untilState(made.id, 'BREAKPOINT');
    expect(story(stopped)).toBe('one:SUCCESS two:BREAKPOINT');
    expect((await shown(post(`${made.id}/resume`))).state.current).toBe('SUCCESS');
  });

  it('is refused for what does not exist', async () => {
    const source = await ended('flaky');
    expect((await post(`${source.id}/replay?taskRunId=nothing`)).status).toBe(404);
    expect((await post(`${source.id}/replay?taskRunId=${runOf(source, 'alarm').id}`)).status).toBe(422);
    expect((await post(`${source.id}/replay?breakpoints=nothing`)).status).toBe(422);
    expect((await post(`${source.id}/replay?revision=99`)).status).toBe(404);
  });
});

/** Waits by following it: each change is an event. */
async function untilState(id: string, state: string): Promise<ExecutionView> {
  const follow = await server.get(`${base}/${id}/follow`);
  const reader = follow.body?.pipeThrough(new TextDecoderStream()).getReader();
  for (let text = ''; reader;) {
    const { value, done } = await reader.read();
    text += value ?? '';
    if (text.includes(`"current":"${state}"`) || done) break;
  }
  await reader?.cancel();
  return read(id);
}

describe('one execution', () => {
  it('gets another end for a task run, and goes on', async () => {
    const failed = await ended('flaky');
    const { id } = runOf(failed, 'check');
    const changed = await shown(post(`${failed.id}/state`, { taskRunId: id, state: 'SUCCESS' }));
    expect(story(changed)).toBe('first:SUCCESS block:SUCCESS check:SUCCESS after:SUCCESS last:SUCCESS');
    expect((await post(`${failed.id}/state`, { taskRunId: 'nothing', state: 'SUCCESS' })).status).toBe(404);
    expect((await post(`${failed.id}/state`, { taskRunId: id, state: 'RUNNING' })).status).toBe(422);
    expect((await post(`${failed.id}/state`, { taskRunId: id, state: 'DONE' })).status).toBe(422);
  });

  it('gets another status', async () => {
    const { id } = await ended('quick');
    expect((await shown(post(`${id}/change-status?status=WARNING`))).state.current).toBe('WARNING');
    expect((await post(`${id}/change-status`)).status).toBe(400);
    expect((await post(`${id}/change-status?status=RUNNING`)).status).toBe(422);
  });

  it('gets other labels when it has ended', async () => {
    const { id } = await ended('quick');
    expect(labelsOf(await shown(post(`${id}/labels`, [{ key: 'a', value: '1' }])))).toEqual({
      a: '1',
      'system.correlationId': id,
    });
    expect((await post(`${id}/labels`, [{ key: 'system.a', value: '1' }])).status).toBe(400);
    expect((await post(`${id}/labels`, [{ key: 'A b', value: '1' }])).status).toBe(400);
    const running = await started('sleepy');
    expect((await post(`${running.id}/labels`, [])).status).toBe(400);
    await server.call('DELETE', `${base}/${running.id}/kill`);
  });

  it('waits for its date', async () => {
    const later = await started('quick', `?scheduleDate=${encodeURIComponent('2099-01-01T00:00:00+01:00')}`);
    expect(later).toMatchObject({ state: { current: 'CREATED' }, scheduleDate: '2098-12-31T23:00:00.000Z' });
    expect((await atEnd((await shown(post(`${later.id}/force-run`))).id)).state.current).toBe('SUCCESS');
    const killed = await started('quick', '?scheduleDate=2099-01-01T00:00:00Z');
    expect((await server.call('DELETE', `${base}/${killed.id}/kill`)).status).toBe(202);
    expect((await atEnd(killed.id)).state.current).toBe('KILLED');
    const past = await started('quick', '?scheduleDate=2001-01-01T00:00:00Z&wait=true');
    expect(past.state.current).toBe('SUCCESS');
  });

  it('stops at the breakpoints that it was given', async () => {
    const { id } = await started('loop', '?breakpoints=show.b,end');
    expect(story(await untilState(id, 'BREAKPOINT'))).toBe('each:RUNNING show:SUCCESS show:BREAKPOINT');
    expect(await read(id)).toMatchObject({ breakpoints: [{ id: 'show', value: 'b' }, { id: 'end' }] });
    expect(story(await shown(post(`${id}/resume`)))).toContain('end:BREAKPOINT');
    expect((await shown(post(`${id}/resume`))).state.current).toBe('SUCCESS');
    expect((await post(`${id}/resume`)).status).toBe(409);
    expect((await post('company.team/loop?breakpoints=nothing')).status).toBe(422);
  });

  it('is deleted with its log, unless that is to be kept', async () => {
    const messages = async (id: string): Promise<number> =>
      Number((await server.json(`/api/v1/main/logs/search?executionId=${id}`))['total']);
    const [gone, kept] = [await ended('quick'), await ended('quick')];
    expect(await messages(gone.id)).toBeGreaterThan(0);
    await server.call('DELETE', `${base}/${gone.id}`);
    await server.call('DELETE', `${base}/${kept.id}?deleteLogs=false&deleteMetrics=false&deleteStorage=false`);
    expect(await messages(gone.id)).toBe(0);
    expect(await messages(kept.id)).toBeGreaterThan(0);
  });

  it('is deleted with its files', async () => {
    const { id } = await ended('quick');
    const folder = `kestra:///company/team/quick/executions/${id}`;
    const scope = Scope.system('main');
    await server.storage.put(scope, `${folder}/tasks/one/file.txt`, 'text');
    expect((await server.call('DELETE', `${base}/${id}`)).status).toBe(204);
    expect((await server.get(`${base}/${id}`)).status).toBe(404);
    expect(await server.storage.stat(scope, `${folder}/tasks/one/file.txt`)).toBeUndefined();
    expect(await server.json(`${base}/search?q=${id}`)).toMatchObject({ total: 0 });
    expect((await server.call('DELETE', `${base}/${id}`)).status).toBe(404);
  });

  it('that is killed can be restarted', async () => {
    const { id } = await started('sleepy');
    await server.call('DELETE', `${base}/${id}/kill`);
    expect((await atEnd(id)).state.current).toBe('KILLED');
    expect((await shown(post(`${id}/restart`))).state.current).toBe('RUNNING');
    await server.call('DELETE', `${base}/${id}/kill`);
    expect((await atEnd(id)).state.current).toBe('KILLED');
  });

  it('is refused what its state does not allow', async () => {
    const { id } = await ended('quick');
    for (const path of ['force-run', 'unqueue?state=RUNNING', 'resume', 'resume/validate']) {
      expect([path, (await post(`${id}/${path}`)).status]).toEqual([path, 409]);
    }
    expect((await post(`${id}/unqueue?state=NOTHING`)).status).toBe(422);
  });
});

describe('a paused execution', () => {
  const APPROVAL = `id: approval
namespace: company.team
tasks:
  - id: ask
    type: core.flow.Pause
    onResume:
      - {id: reason, type: STRING}
      - {id: count, type: INT, defaults: 3}
      - {id: paper, type: FILE, required: false}
  - {id: say, type: core.debug.Return, format: "{{ outputs.ask.onResume.reason }} {{ outputs.ask.resumed.by }}"}
`;
  const form = (values: Record<string, string | Blob>): FormData => {
    const made = new FormData();
    for (const [name, value] of Object.entries(values)) {
      if (typeof value === 'string') made.append(name, value);
      else made.append(name, value, 'paper.txt');
    }
    return made;
  };
  const send = (path: string, values: Record<string, string | Blob>): Promise<Response> =>
    server.call('POST', `${base}/${path}`, { body: form(values) });

  beforeAll(async () => {
    await server.yaml('POST', '/api/v1/main/flows', APPROVAL);
  });

  it('is resumed with the inputs that it asks for, files included', async () => {
    const { id } = await started('approval');
    await untilState(id, 'PAUSED');
    expect((await send(`${id}/resume`, {})).status).toBe(422);
    expect((await send(`${id}/resume`, { reason: 'x', count: 'many' })).status).toBe(422);
    expect((await read(id)).state.current).toBe('PAUSED');
    const resumed = await atEnd(
      (await shown(send(`${id}/resume`, { reason: 'fine', other: 'not declared', paper: new Blob(['text']) }))).id,
    );
    expect(resumed.state.histories.map(({ state }) => state)).toEqual([
      'CREATED',
      'RUNNING',
      'PAUSED',
      'RESTARTED',
      'RUNNING',
      'SUCCESS',
    ]);
    expect(runOf(resumed, 'ask').outputs).toMatchObject({
      onResume: {
        reason: 'fine',
        count: 3,
        paper: expect.stringMatching(new RegExp(`^kestra:///.*${id}/inputs/paper/`)),
      },
      resumed: { by: USER },
    });
    expect(runOf(resumed, 'say').outputs).toEqual({ value: `fine ${USER}` });
    expect((await send(`${id}/resume`, { reason: 'again' })).status).toBe(409);
  });

  it('says what is wrong with inputs before it is resumed', async () => {
    const { id } = await started('approval');
    await untilState(id, 'PAUSED');
    const checked = (await (await send(`${id}/resume/validate`, { count: 'many' })).json()) as {
      readonly inputs: readonly { readonly input: { readonly id: string }; readonly errors: readonly unknown[] }[];
    };
    expect(checked.inputs.map(({ input, errors }) => [input.id, errors.length])).toEqual([
      ['reason', 1],
      ['count', 1],
      ['paper', 0],
    ]);
    expect((await read(id)).state.current).toBe('PAUSED');
    expect((await server.call('DELETE', `${base}/${id}/kill`)).status).toBe(202);
    expect((await atEnd(id)).state.current).toBe('KILLED');
  });

  it('may have been paused by somebody', async () => {
    const { id } = await started('sleepy');
    expect((await shown(post(`${id}/pause`))).state.current).toBe('PAUSED');
    expect((await post(`${id}/pause`)).status).toBe(409);
    expect((await shown(post(`${id}/resume`))).state.current).toBe('RUNNING');
    expect((await shown(post(`${id}/pause`))).state.current).toBe('PAUSED');
    expect((await shown(post(`${id}/force-run`))).state.current).toBe('RUNNING');
    await server.call('DELETE', `${base}/${id}/kill`);
  });
});

describe('many executions', () => {
  const byIds = (path: string, body: unknown, method = 'POST'): Promise<Response> =>
    server.call(method, `${base}/${path}`, { body: JSON.stringify(body), headers: JSON_BODY });
  const several = async (flow: string, label: string, count = 2): Promise<string[]> => {
    const ids: string[] = [];
    for (let made = 0; made < count; made++) ids.push((await started(flow, `?wait=true&labels=batch:${label}`)).id);
    return ids;
  };
  const answer = async (response: Promise<Response>): Promise<unknown> => {
    const { status } = await response;
    return [status, await (await response).json()];
  };

  it('are changed by ids, all or none', async () => {
    const ids = await several('flaky', 'ids');
    const fine = (await ended('quick')).id;
    expect(await answer(byIds('change-status/by-ids?newStatus=WARNING', [...ids, 'unknown0']))).toMatchObject([
      422,
      { invalids: [{ message: 'execution not found', invalidValue: 'unknown0', path: 'id' }] },
    ]);
    expect((await read(ids[0] ?? '')).state.current).toBe('FAILED');
    expect(await answer(byIds('restart/by-ids', ids))).toEqual([200, { count: 2 }]);
    expect(await answer(byIds('change-status/by-ids?newStatus=WARNING', ids))).toEqual([200, { count: 2 }]);
    expect((await byIds('change-status/by-ids', ids)).status).toBe(400);
    expect(
      await answer(byIds('labels/by-ids', { executionsId: ids, executionLabels: [{ key: 'x', value: 'y' }] })),
    ).toEqual([200, { count: 2 }]);
    expect(labelsOf(await read(ids[1] ?? ''))).toMatchObject({ x: 'y' });
    expect(await answer(byIds('replay/by-ids?latestRevision=true', ids))).toEqual([200, { count: 2 }]);
    for (const path of ['force-run', 'resume', 'pause', 'unqueue']) {
      expect([path, await answer(byIds(`${path}/by-ids?state=RUNNING`, [fine]))]).toMatchObject([
        path,
        [422, { invalids: [{ invalidValue: fine }] }],
      ]);
    }
    expect(await answer(byIds('by-ids', ids, 'DELETE'))).toEqual([200, { count: 2 }]);
    expect((await server.get(`${base}/${ids[0]}`)).status).toBe(404);
    expect(labelsOf(await read(fine))).toEqual({ 'system.correlationId': fine });
  });

  it('are changed by a query', async () => {
    const ids = await several('flaky', 'query', 3);
    const query = 'filters[labels][EQUALS][batch]=query';
    expect(await answer(post(`change-status/by-query?newStatus=CANCELLED&${query}`))).toEqual([200, { count: 3 }]);
    expect((await read(ids[2] ?? '')).state.current).toBe('CANCELLED');
    expect(await answer(post(`restart/by-query?${query}`))).toEqual([200, { count: 3 }]);
    expect(await answer(post(`replay/by-query?${query}&filters[state][EQUALS]=FAILED`))).toMatchObject([200, {}]);
    expect(await answer(post(`force-run/by-query?${query}`))).toMatchObject([422, { invalids: expect.any(Array) }]);
    expect(await answer(server.call('DELETE', `${base}/kill/by-query?${query}`))).toMatchObject([422, {}]);
    expect(
      await answer(post(`labels/by-query?filters[labels][EQUALS][batch]=query`, [{ key: 'batch', value: 'gone' }])),
    ).toMatchObject([200, {}]);
    expect((await post('restart/by-query?filters[nothing][EQUALS]=x')).status).toBe(422);
    expect(await answer(server.call('DELETE', `${base}/by-query?filters[labels][EQUALS][batch]=gone`))).toMatchObject([
      200,
      {},
    ]);
    expect(await server.json(`${base}/search?labels=batch:gone`)).toMatchObject({ total: 0 });
  });

  it('that run are deleted only when that was said', async () => {
    const { id } = await started('sleepy', '?labels=batch:running');
    expect((await byIds('by-ids', [id], 'DELETE')).status).toBe(422);
    expect(await answer(byIds('by-ids?includeNonTerminated=true', [id], 'DELETE'))).toEqual([200, { count: 1 }]);
    expect((await server.get(`${base}/${id}`)).status).toBe(404);
  });
});

describe('flows as readers of executions see them', () => {
  it('show tasks and inputs, and nothing of what tasks do', async () => {
    const { id } = await ended('flaky');
    const flow = await server.json(`${base}/${id}/flow`);
    expect(flow).toMatchObject({
      id: 'flaky',
      namespace: 'company.team',
      inputs: [{ id: 'fails' }],
      tasks: [
        { id: 'first', type: 'core.debug.Return' },
        { id: 'block', tasks: [{ id: 'check' }, { id: 'after' }] },
        { id: 'last' },
      ],
      errors: [{ id: 'alarm' }],
    });
    expect(JSON.stringify(flow)).not.toContain('outputs.first.value');
    expect(JSON.stringify(flow)).not.toContain('colour');
    expect(await server.json(`${base}/flows/company.team/flaky?revision=1`)).toMatchObject({
      id: 'flaky',
      revision: 1,
    });
    expect((await server.get(`${base}/flows/company.team/nothing`)).status).toBe(404);
  });

  it('are listed when they may be executed', async () => {
    await server.yaml('POST', '/api/v1/main/flows', QUICK.replace('id: quick', 'id: off\ndisabled: true'));
    expect(await server.json(`${base}/namespaces`)).toEqual(['company.team']);
    const flows = (await (await server.get(`${base}/namespaces/company.team/flows`)).json()) as { id: string }[];
    expect(flows.map(({ id }) => id)).toEqual(['approval', 'flaky', 'loop', 'quick', 'sleepy']);
  });

  it('are told with their last execution', async () => {
    const { id } = await ended('quick');
    const found = await post('latest', [
      { namespace: 'company.team', id: 'quick' },
      { namespace: 'company.team', id: 'nothing' },
    ]);
    expect(await found.json()).toEqual([
      { id, flowId: 'quick', namespace: 'company.team', startDate: expect.any(String), status: 'SUCCESS' },
    ]);
  });
});

it('retries as a new execution when the flow says so', async () => {
  await server.yaml(
    'POST',
    '/api/v1/main/flows',
    `id: chain
namespace: company.team
retry: {type: constant, interval: PT0.01S, maxAttempts: 2, behavior: CREATE_NEW_EXECUTION}
tasks:
  - {id: fails, type: core.execution.Fail}
`,
  );
  const first = await started('chain', '?wait=true');
  expect(first).toMatchObject({ state: { current: 'RETRIED' }, metadata: { attemptNumber: 1 } });
  // Its id follows from the first one's.
  const end = await atEnd(derivedId(first.id, 'retry', 1));
  expect(end).toMatchObject({
    originalId: first.id,
    parentId: first.id,
    state: { current: 'FAILED' },
    metadata: { attemptNumber: 2, originalCreatedDate: expect.any(String) },
  });
  expect(labelsOf(end)).toMatchObject({ 'system.replay': 'true' });
});

describe('a flow that is called like an operation', () => {
  it.each(['state', 'restart', 'labels'])('is started by a form: %s', async (id) => {
    const flow = `id: ${id}\nnamespace: demo\ntasks: [{id: only, type: core.log.Log, message: hello}]\n`;
    expect((await server.yaml('POST', '/api/v1/main/flows', flow)).status).toBe(200);
    const form = new FormData();
    form.append('nothing', '');
    const answer = await server.call('POST', `${base}/demo/${id}?wait=true`, { body: form });
    expect(await shown(Promise.resolve(answer))).toMatchObject({ state: { current: 'SUCCESS' } });
    // With any other body it is the operation, on an execution that does not exist.
    expect([404, 422]).toContain((await post(`demo/${id}`, [])).status);
  });
});
