import type { PlainObject } from '@millrace/model';
import { block, fails, returns, works } from './harness.js';
import { World } from './world.js';

const calls = (flowId: string, more: PlainObject = {}, id = 'call'): PlainObject => ({
  id,
  type: 'core.flow.Subflow',
  namespace: 'test',
  flowId,
  ...more,
});
const child = { tasks: [works('job')] };
const labelsOf = ({ head }: { readonly head: { readonly labels: readonly { key: string; value: string }[] } }) =>
  Object.fromEntries(head.labels.map(({ key, value }) => [key, value]));

describe('a Subflow', () => {
  it('waits for the execution that it starts, and has its outputs', () => {
    const world = new World({
      parent: {
        tasks: [calls('child', { inputs: { x: '{{ 2 * 2 }}' } }), returns('out', '{{ outputs.call.outputs.square }}')],
      },
      child: {
        inputs: [{ id: 'x', type: 'INT' }],
        tasks: [works('job')],
        outputs: [{ id: 'square', type: 'INT', value: '{{ inputs.x * inputs.x }}' }],
      },
    });
    const parent = world.start('parent');
    expect(parent.story).toBe('call:RUNNING');
    const [started] = world.children();
    expect(started?.head).toMatchObject({ state: 'RUNNING', flowRevision: 1, triggerExecutionId: 'E' });
    expect(parent.run('call')).toMatchObject({
      childExecutionId: started?.head.executionId,
      outputs: { executionId: started?.head.executionId },
    });
    world.answer();
    expect(parent.story).toBe('call:SUCCESS out:SUCCESS');
    expect(parent.run('call').outputs).toEqual({
      executionId: started?.head.executionId,
      state: 'SUCCESS',
      outputs: { square: 16 },
    });
    expect(parent.run('out').outputs).toEqual({ value: '16' });
  });

  it('tells the execution who started it', () => {
    const world = new World({
      parent: { tasks: [block('ForEach', 'each', [calls('child')], { values: ['a'] })] },
      child,
    });
    world.start('parent');
    const [started] = world.children();
    expect(started?.state.created.trigger).toMatchObject({
      id: 'call',
      type: 'core.flow.Subflow',
      variables: {
        executionId: 'E',
        namespace: 'test',
        flowId: 'parent',
        flowRevision: 1,
        taskId: 'call',
        taskRunValue: 'a',
        taskRunIteration: 0,
      },
    });
  });

  it('gives labels: of the system always, all of them when they are inherited, the own ones win', () => {
    const world = new World({
      plain: { tasks: [calls('child', { labels: { own: 'x', size: 'task' } })] },
      inheriting: { tasks: [calls('child', { inheritLabels: true, labels: [{ key: 'own', value: '{{ 1 + 1 }}' }] })] },
      child: { ...child, labels: { size: 'flow', team: 'red' } },
    });
    world.start('plain', 'A');
    world.start('inheriting', 'B');
    expect(world.children('A').map(labelsOf)).toEqual([
      { 'system.correlationId': 'A', size: 'task', team: 'red', own: 'x' },
    ]);
    expect(world.children('B').map(labelsOf)).toEqual([
      { 'system.correlationId': 'B', team: 'red', size: 'flow', own: '2' },
    ]);
  });

  it.each([
    [{}, fails('job'), 'FAILED'],
    [{ transmitFailed: false }, fails('job'), 'SUCCESS'],
    [{ allowFailure: true }, fails('job'), 'WARNING'],
    [{ allowFailure: true, allowWarning: true }, fails('job'), 'SUCCESS'],
    [{}, fails('job', { allowFailure: true }), 'WARNING'],
    [{ transmitFailed: false }, fails('job', { allowFailure: true }), 'SUCCESS'],
  ])('with %j transmits the state of %j as %s', (more, task, state) => {
    const world = new World({ parent: { tasks: [calls('child', more)] }, child: { tasks: [task] } });
    const parent = world.start('parent');
    expect(parent.run('call').state).toBe(state);
    expect(parent.head.state).toBe(state);
  });

  it('goes on at once without waiting, with the id alone', () => {
    const world = new World({ parent: { tasks: [calls('child', { wait: false }), returns('out', 'x')] }, child });
    const parent = world.start('parent');
    const [started] = world.children();
    expect(parent.head.state).toBe('SUCCESS');
    expect(parent.run('call').outputs).toEqual({ executionId: started?.head.executionId });
    expect(started?.head.state).toBe('RUNNING');
    world.finish();
    expect(started?.head.state).toBe('SUCCESS');
    expect(parent.head.state).toBe('SUCCESS');
  });

  it('is told only when what comes after the execution has ended', () => {
    const world = new World({
      parent: { tasks: [calls('child')] },
      child: { tasks: [returns('t', 'x')], afterExecution: [works('after')] },
    });
    const parent = world.start('parent');
    expect(world.children()[0]?.head.state).toBe('SUCCESS');
    expect(parent.run('call').state).toBe('RUNNING');
    world.finish();
    expect(parent.run('call').state).toBe('SUCCESS');
  });

  it.each([
    ['nowhere', {}, "There is no flow 'test.nowhere'"],
    ['off', {}, "The flow 'test.off' is disabled and cannot be executed"],
    ['gone', {}, "The flow 'test.gone' is deleted and cannot be executed"],
    ['strict', {}, "The inputs are not valid: The input 'x' is missing: give it a value."],
    ['strict', { wait: false }, "The inputs are not valid: The input 'x' is missing: give it a value."],
    ['strict', { inputs: 'text' }, "Property 'inputs' must be a map, but is text"],
    ['strict', { labels: { 'system.restarted': 'true' } }, "The label 'system.restarted' is set by the system"],
    ['strict', { scheduleDate: 'soon' }, "Property 'scheduleDate' must be a date and time with zone"],
    ['strict', { revision: 'two' }, "Property 'revision' must be a whole number from 1 on, but is two"],
  ])('of %s with %j fails with a sentence', (flowId, more, message) => {
    const world = new World({
      parent: { tasks: [calls(flowId, more)] },
      off: { ...child, disabled: true },
      gone: { ...child, deleted: true },
      strict: { ...child, inputs: [{ id: 'x', type: 'INT' }] },
    });
    const parent = world.start('parent');
    expect(parent.head.state).toBe('FAILED');
    expect(parent.logs.map((entry) => entry.message).join()).toContain(message);
    expect(world.children()).toEqual([]);
  });

  it.each([
    ['BLOCK_EXECUTION', 0],
    ['FAIL_EXECUTION', 1],
  ] as const)('of a flow whose check does not hold fails: %s', (behavior, executions) => {
    const check = { condition: '{{ inputs.x > 0 }}', message: 'x must be positive', behavior };
    const world = new World({
      parent: { tasks: [calls('child', { inputs: { x: 0 } })] },
      child: { ...child, inputs: [{ id: 'x', type: 'INT' }], checks: [check] },
    });
    expect(world.start('parent').head.state).toBe('FAILED');
    expect(world.children()).toHaveLength(executions);
    const messages = [...world.executions.values()].flatMap(({ logs }) => logs.map(({ message }) => message));
    expect(messages.join()).toContain('A check of the flow does not hold: x must be positive');
  });

  it('drops inputs that the flow does not declare, with a warning in its log', () => {
    const world = new World({ parent: { tasks: [calls('child', { inputs: { y: 1 } })] }, child });
    world.start('parent');
    const [started] = world.children();
    expect(started?.state.created.inputs).toEqual({});
    expect(started?.logs).toMatchObject([{ level: 'WARN', message: expect.stringContaining("'y'") as unknown }]);
  });

  it('starts another execution for each retry', () => {
    const retry = { type: 'constant', interval: 'PT1S', maxAttempts: 3 };
    const world = new World({ parent: { tasks: [calls('child', { retry })] }, child });
    const parent = world.start('parent');
    world.answer({ state: 'FAILED' });
    expect(parent.head.state).toBe('RETRYING');
    world.finish(() => ({ state: 'SUCCESS' }));
    expect(parent.head.state).toBe('SUCCESS');
    expect(parent.run('call').attempts.map(({ state }) => state)).toEqual(['FAILED', 'SUCCESS']);
    expect(world.children().map(({ head }) => head.state)).toEqual(['FAILED', 'SUCCESS']);
    const [first] = world.children();
    // The end of the first one, told again, says nothing of the second.
    expect(parent.run('call').childExecutionId).not.toBe(first?.head.executionId);
  });

  it('has a worker evaluate what only a worker can', () => {
    const world = new World({
      parent: { tasks: [calls("{{ secret('flow') }}", { inputs: { x: "{{ secret('x') }}" } })] },
      child: { ...child, inputs: [{ id: 'x', type: 'STRING' }] },
    });
    const parent = world.start('parent');
    expect(parent.run('call').state).toBe('SUBMITTED');
    world.answer({ state: 'SUCCESS', evaluated: { namespace: 'test', flowId: 'child', inputs: { x: 'y' } } });
    const [started] = world.children();
    expect(started?.state.created.inputs).toEqual({ x: 'y' });
    world.finish();
    expect(parent.run('call').attempts.map(({ state }) => state)).toEqual(['SUCCESS']);
    const failing = world.start('parent', 'F');
    world.answer({ state: 'FAILED', error: 'no secret' });
    expect(failing.head.state).toBe('FAILED');
    expect(failing.run('call').attempts.map(({ state }) => state)).toEqual(['FAILED']);
  });

  it('renders the deprecated outputs with the execution that was started', () => {
    const world = new World({
      parent: { tasks: [calls('child', { outputs: { value: '{{ outputs.t.value }}', bad: '{{ outputs.none.x }}' } })] },
      child: { tasks: [returns('t', 'seen')] },
    });
    expect(world.start('parent').run('call').outputs).toMatchObject({ outputs: { value: 'seen' } });
  });

  it('runs a chain of ten, and ends one of a hundred and more with a sentence', () => {
    const flows = Object.fromEntries(
      Array.from({ length: 10 }, (_, index) => [
        `flow-${index}`,
        { tasks: index === 9 ? [works('job')] : [calls(`flow-${index + 1}`)] },
      ]),
    );
    const world = new World({ ...flows, ping: { tasks: [calls('pong')] }, pong: { tasks: [calls('ping')] } });
    const top = world.start('flow-0');
    expect(top.head.state).toBe('RUNNING');
    world.finish();
    expect(top.head.state).toBe('SUCCESS');
    expect([...world.executions.values()].map(({ head }) => head.state)).toEqual(Array(10).fill('SUCCESS'));
    const endless = world.start('ping', 'P');
    expect(endless.head.state).toBe('FAILED');
    expect([...world.executions.values()].filter(({ state }) => state.exists)).toHaveLength(10 + 101);
    const messages = [...world.executions.values()].flatMap(({ logs }) => logs.map(({ message }) => message));
    expect(messages).toEqual([expect.stringMatching(/100 executions have started each other/)]);
  });
});

describe('a kill of a parent', () => {
  const flows = {
    parent: {
      tasks: [
        block('Parallel', 'both', [
          calls('child', { wait: false }, 'alone'),
          calls('child', {}, 'waiting'),
          works('own'),
        ]),
      ],
    },
    child,
  };

  it('kills the executions that it started, whether it waits for them or not', () => {
    const world = new World(flows);
    const parent = world.start('parent');
    expect(parent.run('alone').state).toBe('SUCCESS');
    world.send('E', { kind: 'kill-requested', tenant: 'main', executionId: 'E' });
    expect(parent.head.state).toBe('KILLED');
    expect(parent.run('waiting').state).toBe('KILLED');
    expect(world.children().map(({ head }) => head.state)).toEqual(['KILLED', 'KILLED']);
    expect(world.jobs).toEqual([]);
  });

  it('leaves them alone without a cascade', () => {
    const world = new World(flows);
    const parent = world.start('parent');
    world.send('E', { kind: 'kill-requested', tenant: 'main', executionId: 'E', cascade: false });
    expect(parent.head.state).toBe('KILLED');
    expect(world.children().map(({ head }) => head.state)).toEqual(['RUNNING', 'RUNNING']);
    world.finish();
    expect(parent.run('waiting').state).toBe('KILLED');
  });

  it('is transmitted when it is the child that is killed', () => {
    const world = new World({ parent: { tasks: [calls('child')] }, child });
    const parent = world.start('parent');
    const executionId = world.children()[0]?.head.executionId ?? '';
    world.send(executionId, { kind: 'kill-requested', tenant: 'main', executionId });
    expect(parent.story).toBe('call:KILLED');
    expect(parent.head.state).toBe('KILLED');
  });

  it('is also what happens to an execution whose task run a block stops', () => {
    const world = new World({
      parent: { tasks: [block('Parallel', 'both', [calls('child'), works('own')])] },
      child,
    });
    const parent = world.start('parent');
    world.answer({ state: 'FAILED' }, 'own');
    expect(parent.story).toBe('both:FAILED call:FAILED own:FAILED');
    expect(world.children()[0]?.head.state).toBe('KILLED');
  });
});

describe('an execution that a trigger wants', () => {
  const wanted = {
    kind: 'execution-wanted',
    tenant: 'main',
    executionId: 'T',
    namespace: 'test',
    flowId: 'flow',
    given: { x: '7' },
    labels: [],
    trigger: { id: 'cron', type: 'core.trigger.Schedule', variables: { date: 'now' } },
    depth: 0,
    at: 0,
  } as const;
  const flow = {
    tasks: [returns('t', '{{ trigger.date }}{{ inputs.x }}')],
    inputs: [{ id: 'x', type: 'INT' as const }],
  };

  it('is created with resolved inputs and says where it comes from; a repeat changes nothing', () => {
    const world = new World({ flow });
    world.send('T', wanted).send('T', wanted);
    const started = world.execution('T');
    expect(started.head.state).toBe('SUCCESS');
    expect(started.run('t').outputs).toEqual({ value: 'now7' });
    expect(labelsOf(started)).toEqual({ 'system.correlationId': 'T', 'system.from': 'trigger' });
  });

  it.each([
    [{ flowId: 'none' }, "There is no flow 'test.none'"],
    [{ given: {} }, "The inputs are not valid: The input 'x' is missing: give it a value."],
    [{ failure: 'It could not be started' }, 'It could not be started'],
  ])('with %j is created FAILED, with the reason', (change, failure) => {
    const world = new World({ flow });
    world.send('T', { ...wanted, ...change });
    expect(world.execution('T').head).toMatchObject({ state: 'FAILED', failure, progress: { section: 'ended' } });
    expect(world.execution('T').logs).toMatchObject([{ level: 'ERROR', message: failure }]);
  });
});
