import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Job, JobProgressed, PlainObject, TaskDefinition } from '@millrace/model';
import { plugin as scriptPlugin } from '@millrace/plugin-script';
import { Scope } from '@millrace/authorization';
import { createLocalStorage } from '@millrace/storage/local';
import { MAIN, startOwner } from './owner.js';
import { aJob, settle, startWorker, stopWorkers, VirtualClock, type Started } from './support.js';
import { gate, pluginOf, untilStopped } from './plugins.js';

afterEach(stopWorkers);

const scripts = { plugins: [scriptPlugin] };
const shell = (id: string, command: string, more: PlainObject = {}): TaskDefinition => ({
  id,
  type: 'scripts.shell.Commands',
  commands: [command],
  ...more,
});
const returns = (id: string, format: string, more: PlainObject = {}): TaskDefinition => ({
  id,
  type: 'core.debug.Return',
  format,
  ...more,
});

const directory = (children: readonly TaskDefinition[], own: PlainObject = {}, rest: Partial<Job> = {}): Job =>
  aJob(
    { id: 'together', type: 'core.flow.WorkingDirectory', ...own },
    {
      children: children.map((task) => ({ taskRunId: `run-of-${task.id}`, task })),
      variables: { taskrun: { id: 'x', startDate: 'd', attemptsCount: 0 }, task: { id: 'together' } },
      ...rest,
    },
  );

/** `child:STATE` in the order in which they were told. */
const told = ({ queue }: Started, execution = 'execution1'): string[] =>
  queue
    .events('job-progressed')
    .filter(({ executionId }) => executionId === execution)
    .map(({ child }) => `${child.taskId}:${child.state}`);

const children = ({ queue }: Started): JobProgressed['child'][] =>
  queue.events('job-progressed').map(({ child }) => child);

const stored = async ({ directory: folder }: Started, uri: string): Promise<string> => {
  const storage = createLocalStorage({ directory: join(folder, 'storage') });
  let text = '';
  for await (const chunk of await storage.read(Scope.system('main'), uri)) text += String(chunk);
  return text;
};
const put = ({ directory: folder }: Started, uri: string, content: string) =>
  createLocalStorage({ directory: join(folder, 'storage') }).put(Scope.system('main'), uri, content);

describe('A WorkingDirectory', () => {
  it('runs its tasks in order in one directory, each with a log of its own, and tells of each', async () => {
    const worker = await startWorker(scripts);
    const job = directory([shell('write', 'echo hello > file.txt; echo one'), shell('read', 'cat file.txt')]);
    expect(await worker.outcome(job)).toEqual({ state: 'SUCCESS', outputs: { outputFiles: {} } });
    expect(told(worker)).toEqual(['write:RUNNING', 'write:SUCCESS', 'read:RUNNING', 'read:SUCCESS']);
    const [claim] = worker.queue.events('job-claimed');
    expect(worker.queue.events('job-progressed')[1]).toMatchObject({
      taskRunId: job.taskRunId,
      attempt: 1,
      token: claim?.token,
      child: { taskRunId: 'run-of-write', index: 0, attempt: 1, outputs: { exitCode: 0 } },
    });
    const lines = worker.queue.logs.map(({ taskId, taskRunId, message }) => [taskId, taskRunId, message]);
    expect(lines).toEqual([
      ['write', 'run-of-write', 'one'],
      ['read', 'run-of-read', 'hello'],
    ]);
    expect(new Set(worker.queue.logs.map(({ lineNumber }) => lineNumber)).size).toBe(2);
  });

  it('leaves nothing behind', async () => {
    const worker = await startWorker(scripts);
    await worker.outcome(directory([shell('write', 'pwd; echo hello > file.txt')]));
    const place = worker.queue.logs[0]?.message ?? '';
    expect(place).toContain(worker.directory);
    expect(existsSync(place)).toBe(false);
    expect(readdirSync(join(place, '..'))).toEqual([]);
  });

  it('gives a task the outputs of those before it, and what a task knows of itself', async () => {
    const worker = await startWorker();
    const job = directory([
      returns('a', 'x{{ outputs.before.value }}'),
      returns('b', '{{ outputs.a.value }} {{ task.id }} {{ taskrun.id }} {{ taskrun.parentId }}'),
    ]);
    await worker.outcome({ ...job, variables: { ...job.variables, outputs: { before: { value: 'y' } } } });
    expect(children(worker).map(({ outputs }) => outputs?.['value'])).toEqual([
      undefined,
      'xy',
      undefined,
      `xy b run-of-b ${job.taskRunId}`,
    ]);
  });

  it('addresses outputs by the values of the loops around it', async () => {
    const worker = await startWorker();
    const job = directory(
      [returns('a', 'x{{ taskrun.value }}'), returns('b', "{{ outputs.a['u']['v'].value }}")],
      {},
      { loopValues: ['u', 'v'], variables: { taskrun: { value: 'v', attemptsCount: 0 } } },
    );
    await worker.outcome(job);
    expect(children(worker).at(-1)?.outputs).toEqual({ value: 'xv' });
  });

  it('stops at the first task that fails', async () => {
    const worker = await startWorker(scripts);
    const outcome = await worker.outcome(
      directory([shell('a', 'echo x > made.txt; exit 3'), shell('b', 'true')], { outputFiles: ['*.txt'] }),
    );
    expect(outcome.state).toBe('FAILED');
    expect(Object.keys(outcome.outputs?.['outputFiles'] ?? {})).toEqual(['made.txt']);
    expect(told(worker)).toEqual(['a:RUNNING', 'a:FAILED']);
    expect(children(worker).at(-1)?.outputs).toMatchObject({ exitCode: 3 });
  });

  it.each([
    ['allowFailure', { allowFailure: true }, 'WARNING'],
    ['allowFailure and allowWarning', { allowFailure: true, allowWarning: true }, 'SUCCESS'],
  ])('goes on after a task with %s', async (_, more, state) => {
    const worker = await startWorker(scripts);
    expect((await worker.outcome(directory([shell('a', 'exit 1', more), shell('b', 'true')]))).state).toBe(state);
    expect(told(worker)).toEqual(['a:RUNNING', 'a:FAILED', 'b:RUNNING', 'b:SUCCESS']);
  });

  it('skips a task whose runIf says so, and fails one whose runIf cannot be evaluated', async () => {
    const worker = await startWorker();
    const job = directory([
      returns('a', 'x', { runIf: '{{ 1 > 2 }}' }),
      returns('b', 'x', { runIf: "{{ outputs.a is defined ? 'no' : nothing.here }}" }),
      returns('c', 'x'),
    ]);
    expect((await worker.outcome(job)).state).toBe('FAILED');
    expect(told(worker)).toEqual(['a:SKIPPED', 'b:FAILED']);
  });

  it('is skipped itself', async () => {
    const worker = await startWorker();
    expect(await worker.outcome(directory([returns('a', 'x')], { runIf: 'false' }))).toEqual({ state: 'SKIPPED' });
    expect(told(worker)).toEqual([]);
  });

  it('fails for a task that no worker knows', async () => {
    const worker = await startWorker();
    const job = directory([
      { id: 'a', type: 'no.such.Type' },
      { id: 'b', type: 'core.debug.Return' },
    ]);
    expect((await worker.outcome(job)).state).toBe('FAILED');
    expect(worker.queue.logs[0]).toMatchObject({
      taskId: 'a',
      message: expect.stringContaining("no task type 'no.such.Type'"),
    });
  });

  it('makes input files, takes files of the namespace, keeps output files', async () => {
    const worker = await startWorker(scripts);
    const { namespaceFiles } = await startOwner(worker);
    for (const [path = '', content = ''] of [
      ['lib/a.py', 'first'],
      ['lib/a.py', 'second'],
      ['b.txt', 'b'],
    ]) {
      await namespaceFiles.save(MAIN, { namespace: 'company.team', path, content });
    }
    const outcome = await worker.outcome(
      directory([shell('look', 'cat lib/a.py in.txt other.txt > all.txt; ls > names.txt')], {
        inputFiles: '{"in.txt": " {{ 1 + 1 }} ", "other.txt": "nsfile:///b.txt"}',
        namespaceFiles: { include: ['lib/**'] },
        outputFiles: ['{{ outputs.look.exitCode == 0 ? "*.txt" : "none" }}'],
      }),
    );
    expect(outcome.state).toBe('SUCCESS');
    const uris = outcome.outputs?.['outputFiles'] as Record<string, string>;
    expect(Object.keys(uris)).toEqual(['all.txt', 'in.txt', 'names.txt', 'other.txt']);
    expect(uris['all.txt']).toContain('/tasks/together/');
    expect(await stored(worker, uris['all.txt'] ?? '')).toBe('second 2 b');
    expect(await stored(worker, uris['names.txt'] ?? '')).toBe('all.txt\nin.txt\nlib\nnames.txt\nother.txt\n');
  });

  it.each([
    ['inputFiles', { inputFiles: { 'x.txt': 'kestra:///not/mine' } }, "The input file 'x.txt' cannot be made"],
    ['outputFiles', { outputFiles: ['../x'] }, "The output file '../x' leads out of the working directory"],
    [
      'namespaceFiles',
      { namespaceFiles: { ifExists: 'PERHAPS' } },
      "Property 'namespaceFiles.ifExists' must be one of",
    ],
  ])('fails when its %s do', async (_, own, message) => {
    const worker = await startWorker();
    const outcome = await worker.outcome(directory([returns('a', 'x')], own));
    expect(outcome.state).toBe('FAILED');
    expect(outcome.error).toContain(message);
  });
});

describe('A cache of a WorkingDirectory', () => {
  const cached = (command: string, cache: PlainObject, rest: Partial<Job> = {}): Job =>
    directory([shell('a', command)], { cache }, rest);
  const count = 'echo x >> seen.txt; wc -l < seen.txt';
  const seen = ({ queue }: Started): string[] => queue.logs.map(({ message }) => message.trim());

  it('gives a later execution the files that match, as long as it is young', async () => {
    const worker = await startWorker(scripts);
    const cache = { patterns: ['seen.txt', 'tools/**'], ttl: 'PT1H' };
    await worker.outcome(cached(`mkdir tools; echo 'echo tool' > tools/run; chmod +x tools/run; ${count}`, cache));
    await worker.outcome(cached(`tools/run; ${count}; ls`, cache, { executionId: 'execution2' }));
    expect(seen(worker)).toEqual(['1', 'tool', '2', 'seen.txt', 'tools']);
    await worker.outcome(cached(count, { ...cache, ttl: 'PT0S' }, { executionId: 'execution3' }));
    expect(seen(worker).at(-1)).toBe('1');
  });

  it('is written again only when a file that matches has changed', async () => {
    const worker = await startWorker(scripts);
    const cache = { patterns: ['seen.txt'] };
    const zip = join(worker.directory, 'storage');
    const images = (): string[] =>
      readdirSync(zip, { recursive: true, withFileTypes: true })
        .filter(({ name }) => name === 'cache.zip')
        .map(({ parentPath }) => parentPath);
    await worker.outcome(cached(count, cache));
    expect(images()).toHaveLength(1);
    const storage = createLocalStorage({ directory: zip });
    const uri = 'kestra:///company/team/my-flow/together/cache/directory/cache.zip';
    const first = await storage.stat(Scope.system('main'), uri);
    await worker.outcome(cached('true', cache));
    expect(await storage.stat(Scope.system('main'), uri)).toEqual(first);
    await worker.outcome(cached(count, cache));
    expect(await storage.stat(Scope.system('main'), uri)).not.toEqual(first);
    expect(seen(worker)).toEqual(['1', '2']);
  });

  it('is apart for each loop value, and a damaged one only warns', async () => {
    const worker = await startWorker(scripts);
    const of = (value: string): Partial<Job> => ({ variables: { taskrun: { value } } });
    const cache = { patterns: ['seen.txt'] };
    await worker.outcome(cached(count, cache, of('a')));
    await worker.outcome(cached(count, cache, of('b')));
    await worker.outcome(cached(count, cache, of('a')));
    expect(seen(worker)).toEqual(['1', '1', '2']);
    await put(worker, 'kestra:///company/team/my-flow/together/cache/directory/cache.zip', 'no zip');
    expect((await worker.outcome(cached(count, cache))).state).toBe('SUCCESS');
    const lines = seen(worker).slice(3);
    expect(lines).toContain('1');
    expect(lines).toContainEqual(expect.stringMatching(/^The cache .* could not be restored/));
  });
});

describe('A WorkingDirectory that is disturbed', () => {
  it('stops the task that runs when it is killed, and starts no other', async () => {
    const started = gate();
    const task = pluginOf((context) => {
      started.open();
      return untilStopped(context);
    });
    const worker = await startWorker({ plugins: [task] });
    const job = directory([{ id: 'a', type: 'test.Task' }, returns('b', 'x')]);
    await worker.submit(job);
    await started.opened;
    const { tenant, executionId, taskRunId, attempt } = job;
    await worker.command({ kind: 'kill-job', tenant, executionId, taskRunId, attempt });
    expect((await worker.queue.event('job-ended')).outcome).toEqual({ state: 'KILLED' });
    await settle();
    expect(told(worker)).toEqual(['a:RUNNING']);
  });

  it('gives the whole back when its worker stops', async () => {
    const started = gate();
    const task = pluginOf((context) => {
      started.open();
      return untilStopped(context);
    });
    const worker = await startWorker({ plugins: [task], stopTimeoutMs: 0 });
    await worker.submit(directory([{ id: 'a', type: 'test.Task' }]));
    await started.opened;
    await worker.worker.stop();
    expect(worker.queue.events('job-handed-back')).toHaveLength(1);
    expect(worker.queue.events('job-ended')).toEqual([]);
    expect(told(worker)).toEqual(['a:RUNNING']);
  });

  it('fails a task that lasts longer than its timeout', async () => {
    const clock = new VirtualClock();
    const started = gate();
    const task = pluginOf((context) => {
      started.open();
      return untilStopped(context);
    });
    const worker = await startWorker({ plugins: [task], clock });
    await worker.submit(directory([{ id: 'a', type: 'test.Task', timeout: 'PT1M' }, returns('b', 'x')]));
    await started.opened;
    await clock.advance(60_000);
    const { outcome } = await worker.queue.event('job-ended');
    expect(outcome.state).toBe('FAILED');
    expect(told(worker)).toEqual(['a:RUNNING', 'a:FAILED']);
    expect(worker.queue.logs.at(-1)?.message).toBe('The task timed out after PT1M');
  });

  it('ends when its own timeout has passed', async () => {
    const clock = new VirtualClock();
    const started = gate();
    const task = pluginOf((context) => {
      started.open();
      return untilStopped(context);
    });
    const worker = await startWorker({ plugins: [task], clock });
    await worker.submit(directory([{ id: 'a', type: 'test.Task' }], { timeout: 'PT1M' }));
    await started.opened;
    await clock.advance(60_000);
    const { outcome } = await worker.queue.event('job-ended');
    expect(outcome).toEqual({ state: 'FAILED', error: 'The task timed out after PT1M' });
  });

  it('tries a task again after its interval', async () => {
    const clock = new VirtualClock();
    const attempts: number[] = [];
    const failed = gate();
    const task = pluginOf(({ attempt }) => {
      attempts.push(attempt);
      if (attempt > 1) return Promise.resolve({ outputs: { attempt } });
      failed.open();
      return Promise.reject(new Error('not yet'));
    });
    const worker = await startWorker({ plugins: [task], clock });
    const retry = { type: 'constant', interval: 'PT47S', maxAttempts: 3, warningOnRetry: true } as const;
    await worker.submit(directory([{ id: 'a', type: 'test.Task', retry }]));
    await failed.opened;
    await clock.timerSet(47_000);
    expect(attempts).toEqual([1]);
    await clock.advance(47_000);
    expect((await worker.queue.event('job-ended')).outcome.state).toBe('WARNING');
    expect(children(worker).map(({ state, attempt }) => `${state} ${attempt}`)).toEqual([
      'RUNNING 1',
      'RUNNING 2',
      'SUCCESS 2',
    ]);
  });
});
