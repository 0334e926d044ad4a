import { FLOWS, script } from '../../product/workload.js';
import type { Expectation } from '../executions-check.js';

/** A flow of the mix. */
export interface ChaosFlow extends Expectation {
  readonly id: string;
  readonly yaml: string;
  /** How often it is started among all others; 0: only other flows start it. */
  readonly weight: number;
  /** What is asked of each execution over the API, once it is in this state. */
  readonly operation?: { readonly at: string; readonly name: 'resume' | 'kill' | 'restart' };
}

/** Executions of `limited` that may run at a time. */
const LIMIT = 2;
const COUNTED = /^KILLED( long:KILLED:\d+)?$/;

/** Everything that the product promises to survive, with one outcome whatever is killed. */
export const CHAOS_FLOWS: readonly ChaosFlow[] = [
  ...FLOWS.map((flow) => ({ ...flow, weight: 3 })),
  {
    id: 'family',
    weight: 3,
    children: { least: 2, most: 2 },
    expected: 'SUCCESS both:SUCCESS:1 first:SUCCESS:1 second:SUCCESS:1 sum:SUCCESS:1=12',
    yaml: `
id: family
namespace: test
tasks:
  - id: both
    type: core.flow.Parallel
    tasks:
      - {id: first, type: core.flow.Subflow, namespace: test, flowId: child, inputs: {n: 1}, wait: true, transmitFailed: true}
      - {id: second, type: core.flow.Subflow, namespace: test, flowId: child, inputs: {n: 2}, wait: true, transmitFailed: true}
  - {id: sum, type: core.debug.Return, format: "{{ outputs.first.outputs.n ~ outputs.second.outputs.n }}"}
`,
  },
  {
    id: 'child',
    weight: 0,
    expected: /^SUCCESS only:SUCCESS:1$/,
    yaml: `
id: child
namespace: test
inputs: [{id: n, type: INT}]
tasks:
  - ${script('only', '{{ inputs.n }}')}
outputs: [{id: n, type: INT, value: "{{ outputs.only.vars.n }}"}]
`,
  },
  {
    id: 'paused',
    weight: 3,
    operation: { at: 'PAUSED', name: 'resume' },
    expected: 'SUCCESS after:SUCCESS:1=b before:SUCCESS:1=a wait:SUCCESS:1',
    yaml: `
id: paused
namespace: test
tasks:
  - {id: before, type: core.debug.Return, format: a}
  - {id: wait, type: core.flow.Pause}
  - {id: after, type: core.debug.Return, format: b}
`,
  },
  {
    id: 'killed',
    weight: 1,
    children: { least: 0, most: 1 },
    operation: { at: 'RUNNING', name: 'kill' },
    expected: COUNTED,
    yaml: `
id: killed
namespace: test
tasks:
  - {id: long, type: core.flow.Subflow, namespace: test, flowId: sleeper, wait: true}
`,
  },
  {
    id: 'sleeper',
    weight: 0,
    expected: /^KILLED( sleep:KILLED:\d+)?$/,
    yaml: `
id: sleeper
namespace: test
tasks:
  - {id: sleep, type: core.flow.Sleep, duration: PT30M}
`,
  },
  {
    id: 'restarted',
    weight: 2,
    endings: 2,
    operation: { at: 'FAILED', name: 'restart' },
    expected: 'SUCCESS before:SUCCESS:1=a fails:SUCCESS:2 last:SUCCESS:1',
    yaml: `
id: restarted
namespace: test
tasks:
  - {id: before, type: core.debug.Return, format: a}
  - {id: fails, type: core.execution.Fail, condition: "{{ taskrun.attemptsCount < 1 }}"}
  - ${script('last', '1')}
`,
  },
  {
    id: 'limited',
    weight: 2,
    expected: 'SUCCESS only:SUCCESS:1',
    yaml: `
id: limited
namespace: test
concurrency: {limit: ${LIMIT}, behavior: QUEUE}
tasks:
  - ${script('only', '1')}
`,
  },
  {
    id: 'measured',
    weight: 1,
    expected: 'SUCCESS publish:SUCCESS:1',
    yaml: `
id: measured
namespace: test
tasks:
  - {id: publish, type: core.metric.Publish, metrics: [{type: counter, name: rows, value: 3}]}
`,
  },
];

export const LIMITS: ReadonlyMap<string, number> = new Map([['limited', LIMIT]]);

const TICKING = ['tick0', 'tick1', 'tick2'];

const ticking = (id: string, isDisabled: boolean): string => `id: ${id}
namespace: test
triggers:
  - {id: each_second, type: core.trigger.Schedule, cron: "* * * * * *", withSeconds: true, allowConcurrent: true, disabled: ${isDisabled}}
tasks:
  - {id: t, type: core.debug.Return, format: "{{ trigger.date }}"}
`;

/** Due every second, until their next revision is saved. */
export const TICK_FLOWS: readonly { readonly id: string; readonly yaml: string; readonly disabled: string }[] =
  TICKING.map((id) => ({ id, yaml: ticking(id, false), disabled: ticking(id, true) }));

export const EXPECTATIONS: ReadonlyMap<string, Expectation> = new Map<string, Expectation>([
  ...CHAOS_FLOWS.map((flow) => [flow.id, flow] as const),
  ...TICKING.map((id) => [id, { expected: /^SUCCESS t:SUCCESS:1=\S+$/ }] as const),
]);
