import { parseFlow } from '../src/index.js';
import { catalog, flowWith } from './catalog.js';

const faults = (yaml: string, workerGroups?: readonly string[]) =>
  parseFlow(flowWith(yaml), { catalog, ...(workerGroups && { workerGroups }) }).faults.map(
    ({ path, message }) => `${path}: ${message}`,
  );

const task = (group: string): string => `tasks:\n  - {id: t, type: core.log.Log, message: x, workerGroup: ${group}}\n`;
const sentence = (key: string): string =>
  `There is no worker group '${key}' for this tenant. Those that it may use are: default, gpu.`;
const KNOWN = ['default', 'gpu'];

describe('a worker group that a flow names', () => {
  it.each([
    '{key: gpu}',
    '{key: " gpu "}',
    '{key: default}',
    '{key: ""}',
    '{key: "{{ inputs.g }}"}',
    '{fallback: WAIT}',
  ])('may be %s', (group) => expect(faults(`inputs: [{id: g, type: STRING}]\n${task(group)}`, KNOWN)).toEqual([]));

  it('is told of at its place: flow, tasks within tasks, triggers', () => {
    const yaml = `workerGroup: {key: cpus}
tasks:
  - id: all
    type: core.flow.Parallel
    tasks: [{id: t, type: core.log.Log, message: x, workerGroup: {key: gp}}]
triggers:
  - {id: daily, type: core.trigger.Schedule, cron: "0 0 * * *", workerGroup: {key: cpus}}
`;
    expect(faults(yaml, KNOWN)).toEqual([
      `workerGroup.key: ${sentence('cpus')}`,
      `tasks[0].tasks[0].workerGroup.key: ${sentence('gp')} Did you mean 'gpu'?`,
      `triggers[0].workerGroup.key: ${sentence('cpus')}`,
    ]);
  });

  it('is not looked up where the groups are not known', () => expect(faults(task('{key: none}'))).toEqual([]));

  it.each([
    ['{key: gpu, waitAtMost: PT5M}', [], []],
    ['{key: gpu, fallback: WAIT, waitAtMost: PT5M}', [], []],
    ['{key: gpu, waitAtMost: soon}', [expect.stringContaining('tasks[0].workerGroup.waitAtMost: ')], []],
    [
      '{key: gpu, fallback: FAIL, waitAtMost: PT5M}',
      [],
      ["'waitAtMost' has no effect with the fallback FAIL, which does not wait: remove one of them."],
    ],
  ])('may be waited for: %s', (group, wrong, doubtful) => {
    expect(faults(task(group), KNOWN)).toEqual(wrong);
    const { warnings } = parseFlow(flowWith(task(group)), { catalog, workerGroups: KNOWN });
    expect(warnings.map(({ message }) => message)).toEqual(doubtful);
  });
});
