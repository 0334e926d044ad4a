import type { Product } from './product.js';
import { runOf, runsOf, shown } from './product.js';

type Example = readonly [name: string, run: (product: Product) => Promise<void>];

/** The task runs of a set that were RUNNING at the same moment, at most. */
function mostAtATime(histories: readonly (readonly { state: string; date: string }[])[]): number {
  const changes = histories.flatMap((history) => {
    const from = history.find(({ state }) => state === 'RUNNING')?.date;
    const to = history.at(-1)?.date;
    return from === undefined || to === undefined ? [] : [[from, 1] as const, [to, -1] as const];
  });
  changes.sort(([one, oneChange], [other, otherChange]) => one.localeCompare(other) || oneChange - otherChange);
  let open = 0;
  return Math.max(...changes.map(([, change]) => (open += change)));
}

/** Worked examples of the specification that end by themselves, by their number there. */
export const EXAMPLES_OF_TASKS: readonly Example[] = [
  [
    '1 sequence',
    async (product) => {
      const execution = await product.run('seq');
      expect(shown(execution)).toBe('hello:SUCCESS shout:SUCCESS');
      expect(runOf(execution, 'shout').outputs).toMatchObject({ value: 'HI WORLD' });
    },
  ],
  [
    '2 parallel with a limit',
    async (product) => {
      const execution = await product.run('par');
      expect(shown(execution).split(' ').sort()).toEqual(
        ['a:SUCCESS', 'b:SUCCESS', 'both:SUCCESS', 'c:SUCCESS', 'end:SUCCESS'].sort(),
      );
      const sleeps = ['a', 'b', 'c'].map((taskId) => runOf(execution, taskId));
      expect(mostAtATime(sleeps.map(({ state }) => state.histories))).toBe(2);
      for (const { parentTaskRunId } of sleeps) expect(parentTaskRunId).toBe(runOf(execution, 'both').id);
    },
  ],
  [
    '3 failing branch with errors',
    async (product) => {
      const execution = await product.run('fails');
      expect(execution.state.current).toBe('FAILED');
      expect(shown(execution)).toBe('boom:FAILED caught:SUCCESS');
      expect((await product.logs(execution.id)).find(({ taskId }) => taskId === 'caught')?.message).toBe('boom');
    },
  ],
  [
    '4 finally and afterExecution',
    async (product) => {
      const execution = await product.until(
        async () => product.ended((await product.execution(started)).id),
        (one) => runsOf(one).length === 4,
      );
      expect(execution.state.current).toBe('FAILED');
      expect(shown(execution)).toBe('boom:FAILED err:SUCCESS clean:SUCCESS report:SUCCESS');
      expect((await product.logs(execution.id)).find(({ taskId }) => taskId === 'clean')?.message).toBe('RUNNING');
      expect(runOf(execution, 'report').outputs).toMatchObject({ value: 'FAILED' });
    },
  ],
  [
    '5 allowFailure',
    async (product) => {
      const execution = await product.run('allow');
      expect(execution.state.current).toBe('WARNING');
      expect(runsOf(execution)).toHaveLength(2);
      expect((await product.run('allow_warning')).state.current).toBe('SUCCESS');
    },
  ],
  [
    '6 AllowFailure block',
    async (product) => {
      const execution = await product.run('block');
      expect(execution.state.current).toBe('WARNING');
      expect(shown(execution)).toBe('try:WARNING bad:FAILED fix:SUCCESS after:SUCCESS');
    },
  ],
  [
    '7 runIf',
    async (product) => {
      const execution = await product.run('cond');
      expect([execution.state.current, shown(execution)]).toEqual(['SUCCESS', 'maybe:SKIPPED last:SUCCESS']);
    },
  ],
  [
    '8 If',
    async (product) => {
      const execution = await product.run('iff');
      expect(shown(execution)).toBe('test:SUCCESS yes_branch:SUCCESS');
      expect(runOf(execution, 'test').outputs).toEqual({ evaluationResult: true });
    },
  ],
  [
    '9 Switch',
    async (product) => {
      const rome = await product.run('sw', { city: 'rome' });
      expect(shown(rome)).toBe('pick:SUCCESS r:SUCCESS');
      expect(runOf(rome, 'pick').outputs).toEqual({ value: 'rome', defaults: false });
      const other = await product.run('sw', { city: 'x' });
      expect(shown(other)).toBe('pick:SUCCESS d:SUCCESS');
      expect(runOf(other, 'pick').outputs).toEqual({ value: 'x', defaults: true });
      expect((await product.run('sw_without_defaults', { city: 'x' })).state.current).toBe('FAILED');
    },
  ],
  [
    '10 nested ForEach',
    async (product) => {
      const execution = await product.run('nested');
      expect(runsOf(execution)).toHaveLength(8);
      expect(runOf(execution, 'read').outputs).toMatchObject({ value: 'b2' });
    },
  ],
  [
    '11 ForEach with a limit',
    async (product) => {
      const execution = await product.run('limit');
      expect(runsOf(execution)).toHaveLength(13);
      const twos = runsOf(execution).filter(({ taskId }) => taskId === 'two');
      expect(twos.map(({ value, outputs }) => [value, outputs?.['value']]).sort()).toEqual(
        ['1', '2', '3', '4', '5', '6'].map((value) => [value, `${value}/${Number(value) - 1}`]),
      );
    },
  ],
  [
    '12 Dag',
    async (product) => {
      const execution = await product.run('dag');
      expect(runsOf(execution)).toHaveLength(5);
      const place = (taskId: string): number => runsOf(execution).findIndex((run) => run.taskId === taskId);
      expect(place('a')).toBeLessThan(Math.min(place('b'), place('c')));
      expect(place('e')).toBeGreaterThan(Math.max(place('b'), place('c')));
      const task = (id: string, dependsOn: string): string =>
        `{task: {id: ${id}, type: core.log.Log, message: m}, dependsOn: [${dependsOn}]}`;
      for (const tasks of [task('a', 'nobody'), `${task('a', 'b')}, ${task('b', 'a')}`]) {
        const flow = `id: bad_dag\nnamespace: demo\ntasks: [{id: d, type: core.flow.Dag, tasks: [${tasks}]}]\n`;
        expect((await product.send('POST', '/flows', flow, 'application/x-yaml')).status).toBe(422);
      }
    },
  ],
  [
    '13 task retry',
    async (product) => {
      const execution = await product.run('retry');
      expect([execution.state.current, shown(execution)]).toEqual(['FAILED', 'flaky:FAILED']);
      expect(runOf(execution, 'flaky').attempts).toHaveLength(3);
      expect(execution.state.histories.filter(({ state }) => state === 'RETRYING')).toHaveLength(2);
      expect(runOf(execution, 'flaky').state.histories.filter(({ state }) => state === 'RETRYING')).toHaveLength(2);
    },
  ],
  [
    '14 flow retry, new execution',
    async (product) => {
      const first = await product.run('again');
      expect(first.state.current).toBe('RETRIED');
      const all = await product.until(
        () => product.executionsOf('again'),
        (found) => found.some(({ state }) => state.current === 'FAILED'),
      );
      expect(all).toHaveLength(2);
      const second = all.find(({ id }) => id !== first.id);
      expect(second).toMatchObject({
        originalId: first.id,
        metadata: { attemptNumber: 2 },
        state: { current: 'FAILED' },
      });
    },
  ],
  [
    '15 timeout',
    async (product) => {
      const execution = await product.run('slow');
      expect(execution.state.current).toBe('FAILED');
      const logs = await product.logs(execution.id);
      expect(logs.some(({ level, message }) => level === 'ERROR' && /timed? ?out/i.test(message))).toBe(true);
    },
  ],
  [
    '17 Pause with a duration',
    async (product) => {
      const warned = await product.run('nap');
      expect([warned.state.current, runsOf(warned).length]).toEqual(['WARNING', 2]);
      const failed = await product.run('nap_fail');
      expect([failed.state.current, runsOf(failed).length]).toEqual(['FAILED', 1]);
      expect((await product.run('nap_cancel')).state.current).toBe('CANCELLED');
    },
  ],
  [
    '18 LoopUntil',
    async (product) => {
      const execution = await product.run('loop');
      expect([execution.state.current, shown(execution)]).toEqual(['SUCCESS', 'until:SUCCESS n:SUCCESS']);
      expect(runOf(execution, 'n').outputs).toMatchObject({ value: '3' });
      expect(runOf(execution, 'until').outputs).toMatchObject({ iterationCount: 3 });
    },
  ],
  [
    '32 Exit',
    async (product) => {
      const execution = await product.run('leave');
      expect([execution.state.current, shown(execution)]).toEqual(['WARNING', 'ch:WARNING out:WARNING']);
    },
  ],
];

/** Example 4 is started early: what comes after an execution takes its own time. */
let started = '';
export async function startEarly(product: Product): Promise<void> {
  started = (await product.start('fin')).id;
}
