import type { ExecutionAnswer } from './client.js';

/** Found in the environment of every child process of these flows. */
export const MARK = 'MILLRACE_CRASH_TEST_MARK';

/** A task run in a process of its own; its outputs tell which run they are of. */
export const script = (id: string, output: string, more = ''): string =>
  `{id: ${id}, type: scripts.shell.Script, env: {${MARK}: "1"}, ${more} script: "sleep 0.3; echo '::{\\"outputs\\":{\\"n\\":${output},\\"by\\":\\"'$$-$(date +%s%N)'\\"}}::'"}`;

/** A flow with one outcome, whenever it is disturbed. */
export interface WorkloadFlow {
  readonly id: string;
  readonly yaml: string;
  /** As `outcomeOf` writes it. */
  readonly expected: string;
}

/** Child processes, retries, ForEach, Parallel, errors and finally. */
export const FLOWS: readonly WorkloadFlow[] = [
  {
    id: 'scripts',
    yaml: `
id: scripts
namespace: test
tasks:
  - ${script('one', '1')}
  - ${script('two', '{{ outputs.one.vars.n + 1 }}')}
  - {id: sum, type: core.debug.Return, format: "{{ outputs.one.vars.n + outputs.two.vars.n }}"}
finally:
  - ${script('last', '9')}
`,
    expected: 'SUCCESS last:SUCCESS:1 one:SUCCESS:1 sum:SUCCESS:1=3 two:SUCCESS:1',
  },
  {
    id: 'retries',
    yaml: `
id: retries
namespace: test
tasks:
  - {id: flaky, type: core.execution.Fail, condition: "{{ taskrun.attemptsCount < 2 }}", retry: {type: constant, interval: PT0.4S, maxAttempts: 5}}
  - ${script('after', '1')}
  - {id: doomed, type: core.execution.Fail, retry: {type: constant, interval: PT0.2S, maxAttempts: 2}}
errors:
  - ${script('caught', '1')}
`,
    expected: 'FAILED after:SUCCESS:1 caught:SUCCESS:1 doomed:FAILED:2 flaky:SUCCESS:3',
  },
  {
    id: 'loops',
    yaml: `
id: loops
namespace: test
tasks:
  - id: each
    type: core.flow.ForEach
    values: [1, 2, 3, 4]
    concurrencyLimit: 2
    tasks:
      - {id: pause, type: core.flow.Sleep, duration: PT0.1S}
      - {id: double, type: core.debug.Return, format: "{{ taskrun.value * 2 }}"}
  - {id: total, type: core.debug.Return, format: "{{ outputs.double['1'].value ~ outputs.double['4'].value }}"}
`,
    expected:
      'SUCCESS double[1]:SUCCESS:1=2 double[2]:SUCCESS:1=4 double[3]:SUCCESS:1=6 double[4]:SUCCESS:1=8 each:SUCCESS:1 pause[1]:SUCCESS:1 pause[2]:SUCCESS:1 pause[3]:SUCCESS:1 pause[4]:SUCCESS:1 total:SUCCESS:1=28',
  },
  {
    id: 'branches',
    yaml: `
id: branches
namespace: test
tasks:
  - id: both
    type: core.flow.Parallel
    allowFailure: true
    tasks:
      - ${script('left', '1')}
      - {id: right, type: core.flow.Sequential, tasks: [{id: nap, type: core.flow.Sleep, duration: PT0.2S}, {id: done, type: core.log.Log, message: done}]}
    finally:
      - {id: tidy, type: core.log.Log, message: tidy}
`,
    expected: 'SUCCESS both:SUCCESS:1 done:SUCCESS:1 left:SUCCESS:1 nap:SUCCESS:1 right:SUCCESS:1 tidy:SUCCESS:1',
  },
];

/** State, and every task run with its counted attempts and its value; lost attempts do not count. */
export function outcomeOf({ state, taskRunList = [] }: ExecutionAnswer): string {
  const runs = taskRunList.map(({ taskId, value, state: ended, attempts = [], outputs }) => {
    const counted = attempts.filter((attempt) => attempt.state.current !== 'RESUBMITTED').length;
    const shown = outputs?.['value'] === undefined ? '' : `=${String(outputs['value'])}`;
    return `${taskId}${value === undefined ? '' : `[${value}]`}:${ended.current}:${counted}${shown}`;
  });
  return [state.current, ...runs.sort()].join(' ');
}

/** mulberry32 */
export function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export const pause = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms));

export const TERMINAL: ReadonlySet<string> = new Set(['SUCCESS', 'WARNING', 'FAILED', 'KILLED', 'CANCELLED']);
