import { join } from 'node:path';
import type { Job, JobOutcome, PlainObject } from '@millrace/model';
import { Scope } from '@millrace/authorization';
import { plugin as scriptPlugin } from '@millrace/plugin-script';
import { createLocalStorage } from '@millrace/storage/local';
import { aJob, startWorker, stopWorkers, type Started } from './support.js';
import { pluginOf } from './plugins.js';

afterEach(stopWorkers);

const scope = Scope.system('main');
const storageOf = ({ directory }: Started) => createLocalStorage({ directory: join(directory, 'storage') });
const textOf = async (worker: Started, uri: unknown): Promise<string> => {
  let text = '';
  for await (const chunk of await storageOf(worker).read(scope, String(uri))) text += String(chunk);
  return text;
};

describe('A task cache', () => {
  let runs = 0;
  const counting = pluginOf(async ({ files, metric }, { text }) => {
    runs += 1;
    metric({ type: 'counter', name: 'runs', value: 1 });
    if (text === 'fail') throw new Error('no');
    const uri = await files.store('folder/result.txt', `result ${runs}`);
    return { outputs: { run: runs, uri, list: [uri, 'x'] }, ...(text === 'warn' ? { state: 'WARNING' } : {}) };
  });
  beforeEach(() => (runs = 0));
  const job = (properties: PlainObject = {}, rest: Partial<Job> = {}, ttl?: string): Job =>
    aJob({ type: 'test.Task', taskCache: { enabled: true, ...(ttl && { ttl }) }, text: 'a', ...properties }, rest);
  const runOf = ({ outputs }: JobOutcome): unknown => outputs?.['run'];

  it('gives the outputs of an earlier run with the same properties, with files of its own', async () => {
    const worker = await startWorker({ plugins: [counting] });
    const first = await worker.outcome(job());
    const again = job({}, { executionId: 'execution2' });
    const second = await worker.outcome(again);
    expect(second).toMatchObject({ state: 'SUCCESS', outputs: { run: 1 } });
    expect(runs).toBe(1);
    const uri = second.outputs?.['uri'];
    expect(uri).not.toBe(first.outputs?.['uri']);
    expect(uri).toContain(`/executions/execution2/tasks/a-task/${again.taskRunId}/folder/result.txt`);
    expect(second.outputs?.['list']).toEqual([uri, 'x']);
    expect(await textOf(worker, uri)).toBe('result 1');
    expect(worker.queue.logs).toEqual([]);
    expect(worker.queue.metrics).toHaveLength(1);
  });

  it('tells properties, expressions and loop values apart', async () => {
    const worker = await startWorker({ plugins: [counting] });
    const written = { text: '{{ inputs.x }}' };
    const value = (x: string, of?: string): Partial<Job> => ({
      variables: { inputs: { x }, taskrun: of === undefined ? {} : { value: of } },
    });
    await worker.outcome(job(written, value('1')));
    await worker.outcome(job(written, value('2')));
    await worker.outcome(job(written, value('2', 'loop')));
    await worker.outcome(job({}, { flowId: 'other-flow' }));
    expect(runs).toBe(4);
    expect(runOf(await worker.outcome(job(written, value('2', 'loop'))))).toBe(3);
    expect(runs).toBe(4);
  });

  it('is forgotten after its ttl, and keeps warnings but no failures', async () => {
    const worker = await startWorker({ plugins: [counting] });
    await worker.outcome(job());
    expect(runOf(await worker.outcome(job({}, {}, 'PT0S')))).toBe(2);
    expect(runOf(await worker.outcome(job({}, {}, 'PT1H')))).toBe(2);
    await worker.outcome(job({ text: 'warn' }));
    expect(await worker.outcome(job({ text: 'warn' }))).toMatchObject({ state: 'SUCCESS', outputs: { run: 3 } });
    await worker.outcome(job({ text: 'fail' }));
    expect((await worker.outcome(job({ text: 'fail' }))).state).toBe('FAILED');
    expect(runs).toBe(5);
  });

  it('is not there when it is not enabled', async () => {
    const worker = await startWorker({ plugins: [counting] });
    for (const taskCache of [undefined, { enabled: false }]) {
      const given = { type: 'test.Task', text: 'a', ...(taskCache && { taskCache }) };
      await worker.outcome(aJob(given));
      await worker.outcome(aJob(given));
    }
    expect(runs).toBe(4);
  });

  it('that is damaged only warns, and is written anew', async () => {
    const worker = await startWorker({ plugins: [counting] });
    await worker.outcome(job());
    const folder = 'kestra:///company/team/my-flow/a-task/cache';
    const [entry] = await storageOf(worker).list(scope, folder);
    await storageOf(worker).put(scope, `${entry?.uri}/cache.zip`, 'damaged');
    expect(runOf(await worker.outcome(job()))).toBe(2);
    expect(worker.queue.logs).toEqual([
      expect.objectContaining({
        level: 'WARN',
        message: expect.stringMatching(/^The cache of the task could not be read/),
      }),
    ]);
    expect(runOf(await worker.outcome(job()))).toBe(2);
  });

  it('keeps scripts, whose folders differ from run to run', async () => {
    const worker = await startWorker({ plugins: [scriptPlugin] });
    const script = (command: string): Job =>
      aJob({
        type: 'scripts.shell.Commands',
        commands: [command],
        outputFiles: ['*.txt'],
        taskCache: { enabled: true },
      });
    await worker.outcome(script('date +%N > {{ workingDir }}/now.txt; cat now.txt'));
    const { outputs } = await worker.outcome(script('date +%N > {{ workingDir }}/now.txt; cat now.txt'));
    const [line] = worker.queue.logs;
    expect(worker.queue.logs).toHaveLength(1);
    expect(await textOf(worker, (outputs?.['outputFiles'] as PlainObject)['now.txt'])).toBe(`${line?.message}\n`);
    await worker.outcome(script('echo other'));
    expect(worker.queue.logs).toHaveLength(2);
  });
});

describe('A log that goes to a file', () => {
  it('is one file in internal storage, and not in the log', async () => {
    const worker = await startWorker({
      plugins: [
        pluginOf(({ log, metric }) => {
          log.write('DEBUG', 'hidden');
          log.write('INFO', 'one');
          log.write('WARN', 'two');
          metric({ type: 'counter', name: 'lines', value: 2 });
          return Promise.resolve({});
        }),
      ],
    });
    const job = aJob({ type: 'test.Task', logToFile: true }, { attempt: 2 });
    const outcome = await worker.outcome(job);
    const uri = `kestra:///company/team/my-flow/executions/execution1/tasks/a-task/${job.taskRunId}/attempt-2.log`;
    expect(outcome).toEqual({ state: 'SUCCESS', logFile: uri });
    const lines = (await textOf(worker, uri)).split('\n').map((line) => line.replace(/^\S+ /, ''));
    expect(lines).toEqual(['INFO one', 'WARN two', '']);
    expect(worker.queue.logs).toEqual([]);
    expect(worker.queue.metrics).toHaveLength(1);
  });

  it('has why the task failed, and is there when nothing was written', async () => {
    const worker = await startWorker();
    const failed = await worker.outcome(aJob({ type: 'core.execution.Fail', errorMessage: 'why', logToFile: true }));
    expect(await textOf(worker, failed.logFile)).toContain('ERROR why');
    const empty = await worker.outcome(aJob({ type: 'core.debug.Return', logToFile: true }));
    expect(await textOf(worker, empty.logFile)).toBe('');
    expect(await worker.outcome(aJob({ type: 'core.debug.Return', logToFile: true, runIf: 'false' }))).toEqual({
      state: 'SKIPPED',
    });
  });

  it('slows a task down that writes much, and loses nothing', async () => {
    const worker = await startWorker({
      plugins: [
        pluginOf(async ({ log }) => {
          for (let line = 0; line < 20_000; line++) {
            log.write('INFO', `line ${line} ${'x'.repeat(100)}`);
            if (line % 100 === 0) await log.ready();
          }
          return {};
        }),
      ],
    });
    const { logFile } = await worker.outcome(aJob({ type: 'test.Task', logToFile: true }));
    const lines = (await textOf(worker, logFile)).trimEnd().split('\n');
    expect(lines).toHaveLength(20_000);
    expect(lines.at(-1)).toContain('line 19999 ');
  });
});

describe('Another task in place of this one', () => {
  const delegating = (definition: PlainObject & { readonly id: string; readonly type: string }) =>
    startWorker({ plugins: [pluginOf((context) => context.runTask(definition))] });

  it('runs with its own properties, rendered', async () => {
    const worker = await delegating({ id: 'x', type: 'core.debug.Return', format: '{{ 1 + 1 }}' });
    expect(await worker.outcome(aJob({ type: 'test.Task' }))).toEqual({ state: 'SUCCESS', outputs: { value: '2' } });
  });

  it.each([
    ['fails', { id: 'x', type: 'core.execution.Fail', errorMessage: 'inner' }, 'inner'],
    ['is unknown', { id: 'x', type: 'no.Such' }, "This worker has no task type 'no.Such'"],
    ['is decided by the executor', { id: 'x', type: 'core.flow.Sequential', tasks: [] }, 'no worker runs it'],
    ['has wrong properties', { id: 'x', type: 'core.flow.Sleep', duration: 'long' }, "Property 'duration'"],
  ])('fails the task when it %s', async (_, definition, message) => {
    const worker = await delegating(definition);
    const outcome = await worker.outcome(aJob({ type: 'test.Task' }));
    expect(outcome.state).toBe('FAILED');
    expect(outcome.error).toContain(message);
  });
});
