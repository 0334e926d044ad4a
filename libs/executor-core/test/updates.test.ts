import type { PlainObject } from '@millrace/model';
import { aFlow, block, fails, Harness, log, returns, works, type WrittenFlow } from './harness.js';

const execution = (type: string, id: string, more: PlainObject = {}): PlainObject => ({
  id,
  type: `core.execution.${type}`,
  ...more,
});
const started = (definition: WrittenFlow, inputs: PlainObject = {}): Harness =>
  new Harness(aFlow(definition), inputs).start();
const told = (harness: Harness): string => `${harness.executionState}: ${harness.story}`;
const messages = (harness: Harness): string[] => harness.logs.map(({ message }) => message);

describe('Exit', () => {
  it.each([
    ['SUCCESS', 'SUCCESS'],
    ['WARNING', 'WARNING'],
    ['FAILED', 'FAILED'],
    ['CANCELLED', 'CANCELLED'],
    ['CANCELED', 'CANCELLED'],
    ['KILLED', 'KILLED'],
  ])('%s ends the task, all around it and the execution', (state, ended) => {
    const branch = { id: 'ch', type: 'core.flow.If', condition: 'true', then: [execution('Exit', 'out', { state })] };
    const harness = started({ tasks: [branch, log('never')], errors: [log('e')], finally: [log('z')] });
    expect(told(harness)).toBe(`${ended}: ch:${ended} out:${ended}`);
    expect(harness.state.head.progress.section).toBe('ended');
    expect(harness.state.head).not.toHaveProperty('endsAs');
  });

  it('is SUCCESS when no state is given, and takes one from an expression', () => {
    expect(told(started({ tasks: [execution('Exit', 'out'), log('never')] }))).toBe('SUCCESS: out:SUCCESS');
    const tasks = [execution('Exit', 'out', { state: '{{ inputs.s }}' }), log('never')];
    expect(told(started({ tasks }, { s: 'WARNING' }))).toBe('WARNING: out:WARNING');
  });

  it('KILLED goes over KILLING, as every kill', () => {
    const harness = started({
      tasks: [block('Parallel', 'p', [works('w'), execution('Exit', 'out', { state: 'KILLED' })])],
    });
    expect(harness.state.head.histories.map(({ state }) => state)).toContain('KILLING');
    expect(told(harness)).toBe('KILLED: p:KILLED w:KILLED out:KILLED');
  });

  it('lets end what a worker runs, and starts nothing after it', () => {
    const branch = block('Sequential', 's', [works('w'), log('next')]);
    const exit = block('Sequential', 't', [works('before'), execution('Exit', 'out', { state: 'WARNING' })]);
    const waiting = block('Parallel', 'many', [works('x'), { id: 'wait', type: 'core.flow.Pause' }]);
    const harness = started({ tasks: [block('Parallel', 'p', [branch, exit, waiting]), log('after')] });
    const claim = harness.claim('w');
    harness.answer(harness.claim('before'), { state: 'SUCCESS' });
    expect(harness.executionState).toBe('RUNNING');
    expect(harness.jobs).toEqual([]);
    harness.answer(claim, { state: 'SUCCESS' });
    expect(told(harness)).toBe(
      'WARNING: p:WARNING s:SUCCESS t:WARNING many:KILLED w:SUCCESS before:SUCCESS x:KILLED wait:KILLED out:WARNING',
    );
  });

  it('can be killed while something still runs', () => {
    const harness = started({
      tasks: [block('Parallel', 'p', [works('w'), block('Sequential', 's', [works('b'), execution('Exit', 'out')])])],
    });
    const claim = harness.claim('w');
    harness.answer(harness.claim('b'), { state: 'SUCCESS' });
    harness.send({ kind: 'kill-requested', tenant: 'main', executionId: 'E' });
    harness.answer(claim, { state: 'KILLED' });
    expect(harness.executionState).toBe('KILLED');
  });

  it('is not tried again when it ends the execution as FAILED', () => {
    const retry = { type: 'constant' as const, interval: 'PT1S', maxAttempts: 3 };
    const harness = started({ retry, tasks: [execution('Exit', 'out', { state: 'FAILED' })] });
    expect(told(harness)).toBe('FAILED: out:FAILED');
    expect(harness.run('out').attempts).toHaveLength(1);
  });

  it('runs listeners and afterExecution, but has no effect in them', () => {
    const harness = started({
      tasks: [execution('Exit', 'out', { state: 'WARNING' })],
      afterExecution: [execution('Exit', 'again', { state: 'FAILED' }), returns('x', '{{ execution.state }}')],
    });
    expect(told(harness)).toBe('WARNING: out:WARNING again:FAILED x:SUCCESS');
    expect(harness.run('x').outputs).toEqual({ value: 'WARNING' });
  });

  it('fails for another state', () => {
    const harness = started({ tasks: [execution('Exit', 'out', { state: '{{ "NOPE" }}' })] });
    expect(told(harness)).toBe('FAILED: out:FAILED');
    expect(messages(harness)[0]).toContain('is none to end in');
  });
});

describe('Labels', () => {
  const labelsAfter = (labels: unknown): unknown => {
    const harness = new Harness(aFlow({ tasks: [execution('Labels', 'l', { labels })] }), { json: '{"a": "b"}' });
    const requested = harness.requested();
    if (requested.kind !== 'execution-requested') throw new Error('not reached');
    harness.send({ ...requested, labels: [{ key: 'team', value: 'red' }] });
    return harness.executionState === 'SUCCESS' ? harness.state.head.labels : messages(harness)[0];
  };

  it.each([
    [
      'a map',
      { team: 'blue', n: 1 },
      [
        { key: 'team', value: 'blue' },
        { key: 'n', value: '1' },
      ],
    ],
    [
      'a list',
      [{ key: 'new', value: true }],
      [
        { key: 'team', value: 'red' },
        { key: 'new', value: 'true' },
      ],
    ],
    [
      'JSON text',
      '{{ inputs.json }}',
      [
        { key: 'team', value: 'red' },
        { key: 'a', value: 'b' },
      ],
    ],
    [
      'expressions',
      { of: '{{ execution.id }}' },
      [
        { key: 'team', value: 'red' },
        { key: 'of', value: 'E' },
      ],
    ],
  ])('from %s are laid over the others', (_what, labels, expected) => {
    expect(labelsAfter(labels)).toEqual(expected);
  });

  it.each([
    ['a label of the system', { 'system.x': 'y' }, 'is set by the system'],
    ['an empty value', { a: '' }, 'has no value'],
    ['a key that is not allowed', { 'a b': 'c' }, 'has a key that is not allowed'],
    ['no map', 'text', 'give a map'],
  ])('with %s fail', (_what, labels, message) => {
    expect(labelsAfter(labels)).toContain(message);
  });
});

describe('SetVariables and UnsetVariables', () => {
  it('change what later tasks see', () => {
    const harness = started({
      variables: { a: 1, map: { x: 1 } },
      tasks: [
        execution('SetVariables', 'set', { variables: { b: 2, map: { y: '{{ vars.a }}' } } }),
        execution('Labels', 'lab', { labels: { team: 'blue' } }),
        returns('see', '{{ vars.a }}{{ vars.b }}{{ vars.map.x }}{{ vars.map.y }}{{ labels.team }}'),
        execution('UnsetVariables', 'unset', { variables: ['map.x', 'b'] }),
      ],
    });
    expect(harness.run('see').outputs).toEqual({ value: '1211blue' });
    expect(harness.run('set')).not.toHaveProperty('outputs');
    expect(harness.run('set').updates).toBe(true);
    expect(harness.state.variables.variables).toEqual({ a: 1, map: { y: '1' } });
    expect(told(harness)).toBe('SUCCESS: set:SUCCESS lab:SUCCESS see:SUCCESS unset:SUCCESS');
  });

  it('of one step add up', () => {
    const sets = ['a', 'b', 'c'].map((name) => execution('SetVariables', name, { variables: { [name]: 1 } }));
    expect(started({ tasks: [block('Parallel', 'p', sets)] }).state.variables.variables).toEqual({ a: 1, b: 1, c: 1 });
  });

  it('fail with overwrite false when one exists, and leave all as it was', () => {
    const tasks = [execution('SetVariables', 'set', { variables: { new: 1, a: 2 }, overwrite: false })];
    const harness = started({ variables: { a: 1 }, tasks });
    expect(told(harness)).toBe('FAILED: set:FAILED');
    expect(harness.state.variables.variables).toEqual({ a: 1 });
    expect(messages(harness)[0]).toContain("'a' exists already");
  });

  it('fail for a variable that is not there, unless ignoreMissing', () => {
    const unset = (more: PlainObject): PlainObject[] => [
      execution('UnsetVariables', 'u', { variables: ['no.pe'], ...more }),
    ];
    expect(told(started({ tasks: unset({}) }))).toBe('FAILED: u:FAILED');
    expect(told(started({ tasks: unset({ ignoreMissing: true }) }))).toBe('SUCCESS: u:SUCCESS');
  });

  it('fail when the variables become too large', () => {
    const harness = started({ tasks: [execution('SetVariables', 's', { variables: { a: 'x'.repeat(600_000) } })] });
    expect(told(harness)).toBe('FAILED: s:FAILED');
  });
});

describe('tasks that change the execution, as other tasks,', () => {
  it('are skipped, tried again and forgiven', () => {
    const retry = { type: 'constant', interval: 'PT1S', maxAttempts: 3 };
    const harness = started({
      tasks: [
        execution('Exit', 'no', { runIf: 'false' }),
        execution('UnsetVariables', 'u', { variables: ['x'], retry, allowFailure: true }),
        execution('Exit', 'broken', { runIf: '{{ nope.x }}', allowFailure: true }),
      ],
    }).finish();
    expect(told(harness)).toBe('WARNING: no:SKIPPED u:WARNING broken:WARNING');
    expect(harness.run('u').attempts).toHaveLength(3);
  });

  it('have their expressions evaluated by a worker when they need one', () => {
    const harness = started({
      tasks: [execution('SetVariables', 's', { variables: { a: "{{ secret('A') }}" } }), fails('f')],
    });
    const claim = harness.claim('s');
    expect(claim.job).toMatchObject({ kind: 'evaluate', expressions: { variables: { a: "{{ secret('A') }}" } } });
    harness.answer(claim, { state: 'SUCCESS', evaluated: { variables: { a: 'found' } } });
    expect(harness.state.variables.variables).toEqual({ a: 'found' });
    expect(told(harness)).toBe('FAILED: s:SUCCESS f:FAILED');
  });
});
