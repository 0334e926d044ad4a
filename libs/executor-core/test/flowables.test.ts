import type { PlainObject } from '@millrace/model';
import type { TemplateSource } from '../src/index.js';
import { aFlow, block, fails, Harness, log, returns, works, type WrittenFlow } from './harness.js';

const story = (definition: WrittenFlow, inputs = {}): string => {
  const harness = new Harness(aFlow(definition), inputs).start().finish();
  return `${harness.executionState}: ${harness.story}`;
};

describe('what a flow does', () => {
  const cases: readonly (readonly [string, WrittenFlow, string])[] = [
    ['runs its tasks in order', { tasks: [log('a'), log('b')] }, 'SUCCESS: a:SUCCESS b:SUCCESS'],
    ['leaves out disabled tasks', { tasks: [log('a', { disabled: true }), log('b')] }, 'SUCCESS: b:SUCCESS'],
    ['stops after a failure', { tasks: [fails('a'), log('b')] }, 'FAILED: a:FAILED'],
    [
      'runs errors after a failure',
      { tasks: [fails('a')], errors: [log('e'), log('f')] },
      'FAILED: a:FAILED e:SUCCESS f:SUCCESS',
    ],
    [
      'goes on in errors after a failure in them',
      { tasks: [fails('a')], errors: [fails('e'), log('f')] },
      'FAILED: a:FAILED e:FAILED f:SUCCESS',
    ],
    ['runs finally after success', { tasks: [log('a')], finally: [log('z')] }, 'SUCCESS: a:SUCCESS z:SUCCESS'],
    [
      'runs finally after errors',
      { tasks: [fails('a')], errors: [log('e')], finally: [log('z')] },
      'FAILED: a:FAILED e:SUCCESS z:SUCCESS',
    ],
    [
      'runs finally after a failure without errors',
      { tasks: [fails('a')], finally: [log('z')] },
      'FAILED: a:FAILED z:SUCCESS',
    ],
    ['is not failed by finally', { tasks: [log('a')], finally: [fails('z')] }, 'SUCCESS: a:SUCCESS z:FAILED'],
    [
      'runs afterExecution last',
      { tasks: [fails('a')], finally: [log('z')], afterExecution: [returns('x', '{{ execution.state }}')] },
      'FAILED: a:FAILED z:SUCCESS x:SUCCESS',
    ],
    [
      'goes on after an allowed failure',
      { tasks: [fails('a', { allowFailure: true }), log('b')] },
      'WARNING: a:WARNING b:SUCCESS',
    ],
    [
      'forgets an allowed warning',
      { tasks: [fails('a', { allowFailure: true, allowWarning: true }), log('b')] },
      'SUCCESS: a:SUCCESS b:SUCCESS',
    ],
    [
      'skips a task whose runIf is falsy',
      { tasks: [log('a', { runIf: '{{ 1 > 2 }}' }), log('b')] },
      'SUCCESS: a:SKIPPED b:SUCCESS',
    ],
    [
      'fails a task whose runIf cannot be evaluated',
      { tasks: [log('a', { runIf: '{{ nope.x }}' }), log('b')] },
      'FAILED: a:FAILED',
    ],
    [
      'skips a block whose runIf is falsy',
      { tasks: [block('Sequential', 's', [log('a')], { runIf: 'false' }), log('b')] },
      'SUCCESS: s:SKIPPED b:SUCCESS',
    ],
    ['fails a task that does not render', { tasks: [returns('a', '{{ outputs.nope.value }}')] }, 'FAILED: a:FAILED'],
    [
      'ends a block of disabled tasks',
      { tasks: [block('Sequential', 's', [log('a', { disabled: true })])] },
      'SUCCESS: s:SUCCESS',
    ],
    [
      'runs a Sequential',
      { tasks: [block('Sequential', 's', [log('a'), log('b')]), log('c')] },
      'SUCCESS: s:SUCCESS a:SUCCESS b:SUCCESS c:SUCCESS',
    ],
    [
      'runs errors of a block, which stays failed',
      { tasks: [block('Sequential', 's', [fails('a')], { errors: [log('e')] }), log('c')] },
      'FAILED: s:FAILED a:FAILED e:SUCCESS',
    ],
    [
      'runs finally of a block',
      { tasks: [block('Sequential', 's', [fails('a')], { errors: [log('e')], finally: [log('z')] })] },
      'FAILED: s:FAILED a:FAILED e:SUCCESS z:SUCCESS',
    ],
    [
      'an AllowFailure block is only a warning',
      { tasks: [block('AllowFailure', 'try', [fails('bad'), log('skipped')], { errors: [log('fix')] }), log('after')] },
      'WARNING: try:WARNING bad:FAILED fix:SUCCESS after:SUCCESS',
    ],
    [
      'runs a Parallel',
      { tasks: [block('Parallel', 'p', [log('a'), log('b')]), log('c')] },
      'SUCCESS: p:SUCCESS a:SUCCESS b:SUCCESS c:SUCCESS',
    ],
    [
      'runs siblings of a failed child that were started with it',
      { tasks: [block('Parallel', 'p', [fails('a'), log('b')])] },
      'FAILED: p:FAILED a:FAILED b:SUCCESS',
    ],
    [
      'takes then',
      { tasks: [{ id: 'i', type: 'core.flow.If', condition: '{{ 2 > 1 }}', then: [log('y')], else: [log('n')] }] },
      'SUCCESS: i:SUCCESS y:SUCCESS',
    ],
    [
      'takes else',
      { tasks: [{ id: 'i', type: 'core.flow.If', condition: false, then: [log('y')], else: [log('n')] }] },
      'SUCCESS: i:SUCCESS n:SUCCESS',
    ],
    [
      'does without an else',
      { tasks: [{ id: 'i', type: 'core.flow.If', condition: 'false', then: [log('y')] }, log('c')] },
      'SUCCESS: i:SUCCESS c:SUCCESS',
    ],
    [
      'fails an If whose condition cannot be evaluated',
      { tasks: [{ id: 'i', type: 'core.flow.If', condition: '{{ nope }}', then: [log('y')] }] },
      'FAILED: i:FAILED',
    ],
    [
      'takes a case',
      { tasks: [{ id: 's', type: 'core.flow.Switch', value: 'rome', cases: { paris: [log('p')], rome: [log('r')] } }] },
      'SUCCESS: s:SUCCESS r:SUCCESS',
    ],
    [
      'takes the defaults',
      {
        tasks: [{ id: 's', type: 'core.flow.Switch', value: 'x', cases: { paris: [log('p')] }, defaults: [log('d')] }],
      },
      'SUCCESS: s:SUCCESS d:SUCCESS',
    ],
    [
      'fails a Switch that matches nothing',
      { tasks: [{ id: 's', type: 'core.flow.Switch', value: 'x', cases: { paris: [log('p')] } }] },
      'FAILED: s:FAILED',
    ],
    [
      'runs a ForEach',
      { tasks: [block('ForEach', 'f', [log('a'), log('b')], { values: ['x', 'y'] })] },
      'SUCCESS: f:SUCCESS a[x]:SUCCESS b[x]:SUCCESS a[y]:SUCCESS b[y]:SUCCESS',
    ],
    [
      'drops repeated values',
      { tasks: [block('ForEach', 'f', [log('a')], { values: ['x', 'x', 1, '1'] })] },
      'SUCCESS: f:SUCCESS a[x]:SUCCESS a[1]:SUCCESS',
    ],
    [
      'loops over JSON text',
      { tasks: [block('ForEach', 'f', [log('a')], { values: '[1, {"k": 2}]' })] },
      'SUCCESS: f:SUCCESS a[1]:SUCCESS a[{"k":2}]:SUCCESS',
    ],
    [
      'loops over an expression',
      { tasks: [block('ForEach', 'f', [log('a')], { values: '{{ range(1, 3) }}' })] },
      'SUCCESS: f:SUCCESS a[1]:SUCCESS a[2]:SUCCESS a[3]:SUCCESS',
    ],
    [
      'does nothing for no values',
      { tasks: [block('ForEach', 'f', [log('a')], { values: [] }), log('c')] },
      'SUCCESS: f:SUCCESS c:SUCCESS',
    ],
    [
      'refuses a null value',
      { tasks: [block('ForEach', 'f', [log('a')], { values: ['a', null] })] },
      'FAILED: f:FAILED',
    ],
    ['refuses what is no list', { tasks: [block('ForEach', 'f', [log('a')], { values: 'abc' })] }, 'FAILED: f:FAILED'],
    [
      'stops a ForEach after a failure',
      {
        tasks: [
          block('ForEach', 'f', [fails('a', { runIf: "{{ taskrun.value == 'y' }}" }), log('b')], {
            values: ['x', 'y', 'z'],
          }),
        ],
      },
      'FAILED: f:FAILED a[x]:SKIPPED b[x]:SUCCESS a[y]:FAILED',
    ],
    [
      'runs an EachSequential value by value',
      { tasks: [block('EachSequential', 'f', [log('a'), log('b')], { value: '["x", "y"]' })] },
      'SUCCESS: f:SUCCESS a[x]:SUCCESS b[x]:SUCCESS a[y]:SUCCESS b[y]:SUCCESS',
    ],
    [
      'runs all tasks of all values of an EachParallel side by side',
      { tasks: [block('EachParallel', 'f', [works('a'), works('b')], { value: ['x', 'y', 'x'] })] },
      'SUCCESS: f:SUCCESS a[x]:SUCCESS b[x]:SUCCESS a[y]:SUCCESS b[y]:SUCCESS',
    ],
    [
      'stops an EachParallel after a failure, and runs errors',
      {
        tasks: [
          block('EachParallel', 'f', [fails('a'), log('b')], { value: ['x', 'y'], concurrent: 1, errors: [log('e')] }),
        ],
      },
      'FAILED: f:FAILED a[x]:FAILED e:SUCCESS',
    ],
    [
      'runs lanes of a ForEach side by side',
      { tasks: [block('ForEach', 'f', [log('a'), log('b')], { values: ['x', 'y'], concurrencyLimit: 0 })] },
      'SUCCESS: f:SUCCESS a[x]:SUCCESS a[y]:SUCCESS b[x]:SUCCESS b[y]:SUCCESS',
    ],
  ];

  it.each(cases)('%s', (_name, definition, expected) => {
    expect(story(definition)).toBe(expected);
  });
});

describe('what tasks see of each other', () => {
  const valueOf = (definition: WrittenFlow, taskId: string, inputs = {}): unknown => {
    const harness = new Harness(aFlow(definition), inputs).start().finish();
    expect(harness.logs.filter(({ level }) => level === 'ERROR')).toEqual([]);
    return harness.run(taskId).outputs?.['value'];
  };

  it('outputs by task id, inputs and variables', () => {
    const tasks = [returns('a', 'hi {{ inputs.who }}'), returns('b', '{{ outputs.a.value | upper }}{{ vars.v }}')];
    expect(valueOf({ variables: { v: 1 }, tasks }, 'b', { who: 'world' })).toBe('HI WORLD1');
  });

  it('outputs of nested loops by their values', () => {
    const inner = block(
      'ForEach',
      'inner',
      [returns('show', '{{ parent.taskrun.value }}{{ taskrun.value }}{{ taskrun.iteration }}')],
      { values: ['1', '2'] },
    );
    const tasks = [
      block('ForEach', 'outer', [inner], { values: ['a', 'b'] }),
      returns('read', "{{ outputs.show['b']['2'].value }}"),
    ];
    expect(valueOf({ tasks }, 'read')).toBe('b21');
  });

  it('the output of the current loop values', () => {
    const children = [
      returns('one', '{{ taskrun.value }}/{{ taskrun.iteration }}'),
      returns('two', '{{ currentEachOutput(outputs.one).value }}'),
    ];
    const harness = new Harness(
      aFlow({ tasks: [block('ForEach', 'f', children, { values: '{{ range(1, 6) }}', concurrencyLimit: 2 })] }),
    )
      .start()
      .finish();
    expect(
      harness.runs
        .filter(({ taskId }) => taskId === 'two')
        .map(({ outputs }) => outputs?.['value'])
        .sort(),
    ).toEqual(['1/0', '2/1', '3/2', '4/3', '5/4', '6/5']);
  });

  it('states of tasks in errors', () => {
    const harness = new Harness(
      aFlow({ tasks: [fails('boom')], errors: [returns('caught', "{{ tasksWithState('failed')[0].taskId }}")] }),
    ).start();
    expect(harness.run('caught').outputs).toEqual({ value: 'boom' });
  });

  it('errors of tasks, the latest twenty', () => {
    const failing = Array.from({ length: 25 }, (_, index) =>
      fails(`f${index}`, { errorMessage: 'x'.repeat(1_000), allowFailure: true }),
    );
    const told = returns('told', '{{ errorLogs() | length }} {{ errorLogs()[0].taskId }} {{ errorLogs()[0].level }}');
    const harness = new Harness(aFlow({ tasks: [...failing, told] })).start();
    expect(harness.run('told').outputs).toEqual({ value: '20 f5 ERROR' });
    const [first] = harness.state.errors;
    expect(first).toMatchObject({ taskId: 'f5', taskRunId: harness.run('f5').id, attempt: 1, timestamp: harness.now });
    expect(first?.message.length).toBeLessThanOrEqual(400);
  });

  it('errors that a worker told, in variables of a job', () => {
    const harness = new Harness(
      aFlow({ tasks: [works('a')], errors: [works('mail', { description: 'x', duration: '{{ errorLogs() }}' })] }),
    ).start();
    harness.answer(harness.claim('a'), { state: 'FAILED', error: 'disk is full' });
    expect(harness.jobs[0]?.variables).toMatchObject({
      'errorLogs()': [{ taskId: 'a', attempt: 1, message: 'disk is full', level: 'ERROR' }],
    });
  });

  it('the state of the execution while and after it runs', () => {
    const harness = new Harness(
      aFlow({
        tasks: [fails('a')],
        finally: [returns('z', '{{ execution.state }}')],
        afterExecution: [returns('x', '{{ execution.state }}')],
      }),
    ).start();
    expect(harness.run('z').outputs).toEqual({ value: 'RUNNING' });
    expect(harness.run('x').outputs).toEqual({ value: 'FAILED' });
  });
});

describe('concurrency', () => {
  const openAtMost = (definition: WrittenFlow): number => {
    const harness = new Harness(aFlow(definition)).start();
    let most = 0;
    while (harness.jobs.length > 0) {
      most = Math.max(most, harness.jobs.length);
      const claim = harness.claim();
      harness.answer(claim, { state: 'SUCCESS' });
    }
    expect(harness.executionState).toBe('SUCCESS');
    return most;
  };

  it.each([
    [
      'Parallel with a limit',
      {
        tasks: [
          block(
            'Parallel',
            'p',
            ['a', 'b', 'c', 'd'].map((id) => works(id)),
            { concurrent: 2 },
          ),
        ],
      },
      2,
    ],
    [
      'Parallel without a limit',
      {
        tasks: [
          block(
            'Parallel',
            'p',
            ['a', 'b', 'c', 'd'].map((id) => works(id)),
          ),
        ],
      },
      4,
    ],
    ['ForEach one by one', { tasks: [block('ForEach', 'f', [works('a')], { values: '{{ range(1, 5) }}' })] }, 1],
    [
      'ForEach with a limit',
      {
        tasks: [block('ForEach', 'f', [works('a'), works('b')], { values: '{{ range(1, 9) }}', concurrencyLimit: 3 })],
      },
      3,
    ],
    ['EachSequential', { tasks: [block('EachSequential', 'f', [works('a')], { value: '{{ range(1, 5) }}' })] }, 1],
    [
      'EachParallel without a limit',
      { tasks: [block('EachParallel', 'f', [works('a'), works('b')], { value: '{{ range(1, 5) }}' })] },
      10,
    ],
    [
      'EachParallel with a limit',
      { tasks: [block('EachParallel', 'f', [works('a'), works('b')], { value: '{{ range(1, 5) }}', concurrent: 3 })] },
      3,
    ],
    [
      'ForEach all at once',
      { tasks: [block('ForEach', 'f', [works('a')], { values: '{{ range(1, 120) }}', concurrencyLimit: 0 })] },
      120,
    ],
  ])('%s', (_name, definition, expected) => {
    expect(openAtMost(definition)).toBe(expected);
  });
});

describe("when a Parallel's child fails", () => {
  it('errors start at once, siblings go on, and what still runs at the end takes the final state', () => {
    const harness = new Harness(
      aFlow({ tasks: [block('Parallel', 'p', [works('a'), works('b'), works('c')], { errors: [works('e')] })] }),
    ).start();
    const [a, b] = [harness.claim('a'), harness.claim('b')];
    harness.answer(a, { state: 'FAILED' });
    expect(harness.story).toBe('p:RUNNING a:FAILED b:RUNNING c:SUBMITTED e:SUBMITTED');
    harness.answer(harness.claim('e'), { state: 'SUCCESS' });
    expect(harness.story).toBe('p:FAILED a:FAILED b:FAILED c:FAILED e:SUCCESS');
    expect(harness.jobs).toEqual([]);
    expect(harness.effects).toContainEqual({
      kind: 'command-worker',
      instance: b.instance,
      command: expect.objectContaining({ kind: 'kill-job', taskRunId: b.job.taskRunId, token: b.token }),
    });
    expect(harness.executionState).toBe('FAILED');
  });
});

describe('a Template', () => {
  const use = { id: 't', type: 'io.kestra.core.tasks.flows.Template', namespace: 'test', templateId: 'greet' };
  const withTemplates = (
    task: PlainObject,
    found: readonly PlainObject[] | undefined,
    errors?: readonly PlainObject[],
  ) =>
    new Harness(aFlow({ tasks: [task, log('after')] }), {}, undefined, {
      templates: (namespace, id) =>
        found === undefined || namespace !== 'test' || id !== 'greet'
          ? undefined
          : ({ tasks: found, ...(errors ? { errors } : {}) } as unknown as TemplateSource),
    }).start();

  it('runs the tasks of a template, which see its arguments', () => {
    const harness = withTemplates({ ...use, args: { who: '{{ flow.id }}' } }, [
      returns('hi', 'hi {{ parent.outputs.args.who }}'),
    ]);
    expect(harness.story).toBe('t:SUCCESS hi:SUCCESS after:SUCCESS');
    expect(harness.run('hi')).toMatchObject({ parentId: harness.run('t').id, outputs: { value: 'hi flow' } });
    expect(harness.run('t').outputs).toEqual({ args: { who: 'flow' } });
  });

  it('runs the errors of the template', () => {
    expect(withTemplates(use, [fails('bad')], [log('fix')]).story).toBe('t:FAILED bad:FAILED fix:SUCCESS');
  });

  it.each([
    ['is not there', withTemplates({ ...use, templateId: 'nope' }, []), "There is no template 'nope'"],
    ['is part of itself', withTemplates(use, [use]), 'More than 10 templates inside each other'],
    ['is not allowed here', new Harness(aFlow({ tasks: [use] })).start(), 'Templates are not enabled'],
  ])('that %s fails', (_why, harness, message) => {
    expect(harness.executionState).toBe('FAILED');
    expect(harness.logs.map((entry) => entry.message)).toContainEqual(expect.stringContaining(message));
  });
});
