import { aFlow, Harness } from './harness.js';

describe('an execution that a check demands to fail', () => {
  it('is FAILED before anything of it runs, and says why', () => {
    const harness = new Harness(aFlow({ tasks: [{ id: 'hello', type: 'core.log.Log', message: 'hi' }] }));
    const requested = harness.requested();
    harness.send({ ...requested, failedAtStart: 'The quota is used up.' } as typeof requested);
    expect(harness.executionState).toBe('FAILED');
    expect(harness.state.head.failure).toBe('The quota is used up.');
    expect(harness.runs).toEqual([]);
    expect(harness.effects).toEqual([
      expect.objectContaining({
        kind: 'write-log',
        entry: expect.objectContaining({ level: 'ERROR', message: 'The quota is used up.' }) as object,
      }),
    ]);
    // A repeat changes nothing.
    const before = harness.facts.length;
    harness.send(requested);
    expect(harness.facts).toHaveLength(before);
  });
});

describe('inputs that a later revision added', () => {
  const flow = aFlow({
    inputs: [
      { id: 'old', type: 'STRING' },
      { id: 'new', type: 'INT', defaults: '{{ 40 + 2 }}' },
      { id: 'near.here', type: 'STRING', defaults: 'x' },
      { id: 'off', type: 'STRING', defaults: 'y', dependsOn: { inputs: ['old'], condition: 'false' } },
    ],
    tasks: [{ id: 'r', type: 'core.debug.Return', format: '{{ inputs | json }}' }],
  });

  it('have their default when they are read', () => {
    const harness = new Harness(flow, { old: 'a', near: { there: 'z' } }).start();
    expect(JSON.parse(String(harness.runs[0]?.outputs?.['value']))).toEqual({
      old: 'a',
      new: 42,
      near: { there: 'z', here: 'x' },
      off: 'y',
    });
  });

  it('keep what the execution was given', () => {
    const harness = new Harness(flow, { old: 'a', new: 1, near: { here: 'w' }, off: null }).start();
    expect(JSON.parse(String(harness.runs[0]?.outputs?.['value']))).toEqual({
      old: 'a',
      new: 1,
      near: { here: 'w' },
      off: null,
    });
  });
});

describe('global plugin defaults', () => {
  it('fill what neither task nor flow says, and win when they are forced', () => {
    const written = aFlow({
      pluginDefaults: [{ type: 'core.debug', values: { format: 'flow' } }],
      tasks: [
        { id: 'own', type: 'core.debug.Return', format: 'task' },
        { id: 'flows', type: 'core.debug.Return' },
        { id: 'global', type: 'core.execution.Fail' },
      ],
    });
    const run = (forced: boolean): readonly unknown[] =>
      new Harness(written, {}, undefined, {
        globalDefaults: [
          { type: 'core.debug.Return', forced, values: { format: 'global' } },
          { type: 'core.execution', values: { errorMessage: 'told globally' } },
        ],
      })
        .start()
        .runs.map(({ outputs, taskId }) => [taskId, outputs?.['value']]);
    expect(run(false)).toEqual([
      ['own', 'task'],
      ['flows', 'flow'],
      ['global', undefined],
    ]);
    expect(run(true).slice(0, 2)).toEqual([
      ['own', 'global'],
      ['flows', 'global'],
    ]);
  });
});
