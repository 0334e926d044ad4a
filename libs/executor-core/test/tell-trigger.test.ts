import { createTopics, type ExecutionEvent, type ExecutionTrigger } from '@millrace/model';
import { executionProcessor, type Effect, type Input } from '../src/index.js';
import { aFlow, Harness, type WrittenFlow } from './harness.js';

const processor = executionProcessor(createTopics({ executionPartitions: 1, resourcePartitions: 1 }));
const SCHEDULE: ExecutionTrigger = {
  id: 'daily',
  type: 'core.trigger.Schedule',
  variables: { date: 'D' },
  hasState: true,
};
const LOG = { id: 'log', type: 'core.log.Log', message: 'hi' };

/** Runs a flow through the processor to its end; jobs succeed. */
function told(
  flow: WrittenFlow,
  trigger: ExecutionTrigger | undefined,
  ...events: readonly ExecutionEvent[]
): Effect[] {
  const execution = new Harness(aFlow(flow));
  const requested = execution.requested();
  if (requested.kind !== 'execution-requested') throw new Error('It must be asked for');
  const created = { ...requested.created, ...(trigger ? { trigger } : {}) };
  const effects: Effect[] = [];
  const pending: (Input | { readonly kind: 'wake' })[] = [{ ...requested, created }, ...events];
  for (let input = pending.shift(); input; input = pending.shift()) {
    const outcome = processor.decide(execution.state, input, execution.context);
    execution.apply(outcome.facts);
    effects.push(...outcome.effects);
    pending.unshift(...outcome.next);
  }
  return effects.filter(({ kind }) => kind === 'tell-trigger');
}

const news = (state: string) => [
  {
    kind: 'tell-trigger',
    event: expect.objectContaining({
      kind: 'trigger-execution-ended',
      tenant: 'main',
      triggerId: 'daily',
      executionId: 'E',
      state,
    }),
  },
];

describe('the trigger that started an execution', () => {
  it('is told once when it has ended', () => {
    expect(told({ tasks: [LOG] }, SCHEDULE)).toEqual(news('SUCCESS'));
  });

  it('is told of the state in which it ended', () => {
    expect(told({ tasks: [{ id: 'f', type: 'core.execution.Fail' }] }, SCHEDULE)).toEqual(news('FAILED'));
  });

  it('is told after what runs after the execution', () => {
    const flow = { tasks: [LOG], afterExecution: [{ id: 'job', type: 'test.Job' }] };
    expect(told(flow, SCHEDULE)).toEqual([]);
    expect(told({ tasks: [LOG], afterExecution: [{ ...LOG, id: 'after' }] }, SCHEDULE)).toEqual(news('SUCCESS'));
  });

  it('is told of a kill', () => {
    const kill: ExecutionEvent = { kind: 'kill-requested', tenant: 'main', executionId: 'E' };
    expect(told({ tasks: [{ id: 'job', type: 'test.Job' }] }, SCHEDULE, kill)).toEqual(news('KILLED'));
  });

  it('is not told while it runs, nor when it keeps no state, nor when nobody started it', () => {
    expect(told({ tasks: [{ id: 'job', type: 'test.Job' }] }, SCHEDULE)).toEqual([]);
    const { hasState: _none, ...webhook } = SCHEDULE;
    expect(told({ tasks: [LOG] }, webhook)).toEqual([]);
    expect(told({ tasks: [LOG] }, undefined)).toEqual([]);
  });

  it('is told of an execution that the engine gave up before it began', () => {
    const execution = new Harness(aFlow({ tasks: [LOG] }));
    const requested = execution.requested();
    if (requested.kind !== 'execution-requested') throw new Error('It must be asked for');
    const input = { ...requested, created: { ...requested.created, trigger: SCHEDULE } };
    const outcome = processor.fail(execution.state, input, new Error('a bug'), execution.context);
    expect(outcome.effects.filter(({ kind }) => kind === 'tell-trigger')).toEqual(news('FAILED'));
  });
});
