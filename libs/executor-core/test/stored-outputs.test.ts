import type { PlainObject } from '@millrace/model';
import { aFlow, fails, Harness, log, returns, works, type WrittenFlow } from './harness.js';

const STORED = {
  type: 'io.kestra.datatype:outputs',
  storageUri: 'kestra:///test/flow/executions/E/tasks/big/r/.millrace/outputs-1.json',
  storageContext: {},
};

/** After a task whose outputs are in internal storage. */
function after(tasks: readonly PlainObject[], more: Partial<WrittenFlow> = {}): Harness {
  const harness = new Harness(aFlow({ ...more, tasks: [works('big'), ...tasks] })).start();
  return harness.answer(harness.claim('big'), { state: 'SUCCESS', outputs: STORED });
}

describe('Outputs in internal storage', () => {
  it('make a job of a task that reads them, with what stands for them', () => {
    const harness = after([returns('r', '{{ outputs.big.deep.value }}')]);
    expect(harness.story).toBe('big:SUCCESS r:SUBMITTED');
    expect(harness.jobs[0]?.variables['outputs']).toEqual({ big: STORED });
    harness.finish(() => ({ state: 'SUCCESS', outputs: { value: 'x' } }));
    expect(harness.executionState).toBe('SUCCESS');
  });

  it.each(['{{ outputs.big }}', '{{ outputs | length }} {{ outputs.big | toJson }}', '{{ outputs["big"].x }}'])(
    'also when they are read as a whole: %s',
    (format) => {
      const harness = after([returns('r', format)]);
      expect(harness.story).toBe('big:SUCCESS r:SUBMITTED');
      expect(harness.jobs[0]?.variables['outputs']).toEqual({ big: STORED });
    },
  );

  it('do not concern tasks that read others', () => {
    const harness = after([returns('r', 'x'), returns('s', '{{ outputs.r.value }} {{ tasks.big.state }}')]);
    expect(harness.story).toBe('big:SUCCESS r:SUCCESS s:SUCCESS');
    expect(harness.run('s').outputs).toEqual({ value: 'x SUCCESS' });
  });

  it('are read by a worker for conditions, and for runIf', () => {
    const branch = {
      id: 'i',
      type: 'core.flow.If',
      condition: '{{ outputs.big.yes }}',
      then: [log('y')],
      else: [log('n')],
    };
    const harness = after([branch, log('l', { runIf: '{{ outputs.big.no }}' })]);
    expect(harness.jobs[0]).toMatchObject({ kind: 'evaluate', variables: { outputs: { big: STORED } } });
    harness.answer(harness.claim('i'), { state: 'SUCCESS', evaluated: { condition: 'true' } });
    expect(harness.story).toBe('big:SUCCESS i:SUCCESS y:SUCCESS l:SUBMITTED');
    harness.finish(() => ({ state: 'SKIPPED' }));
    expect(harness.story).toBe('big:SUCCESS i:SUCCESS y:SUCCESS l:SKIPPED');
  });

  it('cannot be outputs of the flow, which says so', () => {
    const outputs = [{ id: 'o', value: '{{ outputs.big.value }}' }];
    const harness = after([log('l')], { outputs });
    expect(harness.executionState).toBe('FAILED');
    expect(harness.logs.at(-1)?.message).toContain('lies in internal storage, which only a worker reads');
  });

  it('stay with a task run that failed', () => {
    const harness = new Harness(aFlow({ tasks: [works('big')], errors: [fails('e', { errorMessage: 'x' })] })).start();
    harness.answer(harness.claim('big'), { state: 'FAILED', outputs: STORED });
    expect(harness.run('big').outputs).toEqual(STORED);
  });
});
