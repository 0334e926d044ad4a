import { existsSync, readdirSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Scope } from '@millrace/authorization';
import { QueueError } from '@millrace/queue';
import { createLocalStorage } from '@millrace/storage/local';
import { environmentSecrets } from '../src/index.js';
import { MAIN, startOwner } from './owner.js';
import { aJob, startWorker, stopWorkers } from './support.js';
import { gate, pluginOf } from './plugins.js';

afterEach(stopWorkers);

const task = { type: 'test.Task' };
const base64 = (text: string): string => Buffer.from(text).toString('base64');

describe('Outputs', () => {
  it('become plain JSON', async () => {
    const { outcome } = await startWorker({
      plugins: [
        pluginOf(() =>
          Promise.resolve({
            outputs: { at: new Date(0), big: 10n, not: undefined, nan: NaN, list: [undefined, new Date(0)] },
          }),
        ),
      ],
    });
    expect((await outcome(aJob(task))).outputs).toEqual({
      at: '1970-01-01T00:00:00.000Z',
      big: 10,
      nan: null,
      list: [null, '1970-01-01T00:00:00.000Z'],
    });
  });

  it.each([
    [
      'too large',
      () => ({ text: 'x'.repeat(5_000_000) }),
      /^The outputs of the task are 50000\d\d bytes long, more than the 4194304 that are kept/,
    ],
    ['a function', () => ({ run: () => 1 }), /^outputs\.run is a function that has no JSON form/],
    [
      'a circle',
      () => {
        const circle: Record<string, unknown> = {};
        circle['self'] = circle;
        return circle;
      },
      /nested more than 64 levels deep, or contains itself$/,
    ],
  ])('that are %s fail the task with a sentence', async (_, outputs, message) => {
    const { outcome } = await startWorker({ plugins: [pluginOf(() => Promise.resolve({ outputs: outputs() }))] });
    const ended = await outcome(aJob(task));
    expect(ended).toEqual({ state: 'FAILED', error: expect.stringMatching(message) });
  });
});

describe('A flood of log lines', () => {
  it('ends with one warning, and the task goes on', async () => {
    const { queue, outcome } = await startWorker({
      plugins: [
        pluginOf(async ({ log }) => {
          for (let line = 0; line < 100_500; line++) {
            log.write('INFO', 'x');
            if (line % 1_000 === 0) await log.ready();
          }
          return { outputs: { done: true } };
        }),
      ],
    });
    expect(await outcome(aJob(task))).toEqual({ state: 'SUCCESS', outputs: { done: true } });
    expect(queue.logs).toHaveLength(100_001);
    expect(queue.logs.at(-1)).toMatchObject({
      level: 'WARN',
      lineNumber: 100_000,
      message: expect.stringContaining('the rest is dropped'),
    });
  }, 30_000);

  it('slows the task down as long as the queue takes nothing', async () => {
    const open = gate();
    let written = 0;
    const { queue, submit } = await startWorker({
      plugins: [
        pluginOf(async ({ log }) => {
          for (; written < 5_000; written++) {
            log.write('INFO', 'x'.repeat(1_000));
            await log.ready();
          }
          return {};
        }),
      ],
    });
    const blocked = gate();
    queue.beforePublish = async (records) => {
      if (records[0]?.topic.name !== 'logs') return;
      blocked.open();
      await open.opened;
    };
    await submit(aJob(task));
    await blocked.opened;
    await new Promise((resolve) => setImmediate(resolve));
    expect(written).toBeLessThan(1_500);
    open.open();
    await queue.event('job-ended');
    expect(queue.logs).toHaveLength(5_000);
  });

  it('cuts lines that are too long', async () => {
    const { queue, outcome } = await startWorker({
      plugins: [pluginOf(({ log }) => Promise.resolve(log.write('INFO', 'x'.repeat(20_000))).then(() => ({})))],
    });
    await outcome(aJob(task));
    expect(queue.logs[0]?.message).toBe(`${'x'.repeat(16_384)}… [cut: the line has 20000 characters, 16384 are kept]`);
  });

  it('is not lost when the queue is away for a while', async () => {
    let failures = 3;
    const { queue, outcome } = await startWorker();
    queue.beforePublish = (records) => {
      if (records[0]?.topic.name === 'logs' && failures-- > 0) throw new QueueError('QUEUE_UNAVAILABLE', 'away', true);
    };
    await outcome(aJob({ type: 'core.log.Log', message: 'kept' }));
    expect(queue.logs).toMatchObject([{ message: 'kept' }]);
  });
});

describe('Secrets', () => {
  const secrets = environmentSecrets({
    SECRET_TOKEN: base64('top-hush'),
    SECRET_KEYS: base64('{"one":"first-hush"}'),
    SECRET_LINES: base64('line one\nline two'),
    SECRET_BROKEN: 'not base64!',
  });

  it.each([
    ["{{ secret('TOKEN') }}", '******'],
    ["{{ secret('token') }}", '******'],
    ["a {{ secret('KEYS', subkey='one') }} b", 'a ****** b'],
    ["{{ secret('LINES') }}", '******'],
  ])('%s is not seen in a log', async (message, seen) => {
    const { queue, outcome } = await startWorker({ secrets });
    await outcome(aJob({ type: 'core.log.Log', message }));
    expect(queue.logs.map((entry) => entry.message)).toEqual([seen]);
  });

  it('are hidden in errors and reach the task as they are', async () => {
    const { queue, outcome } = await startWorker({
      secrets,
      plugins: [
        pluginOf((_, { text }) => Promise.reject(new Error(`refused ${String(text)}, ${String(text).length} long`))),
      ],
    });
    expect(await outcome(aJob({ ...task, text: "{{ secret('TOKEN') }}" }))).toMatchObject({
      error: 'refused ******, 8 long',
    });
    expect(JSON.stringify(queue.committed)).not.toContain('top-hush');
  });

  it.each([
    ["{{ secret('MISSING') }}", /there is no secret 'MISSING': set SECRET_MISSING \(base64\)/],
    ["{{ secret('BROKEN') }}", /SECRET_BROKEN of the worker is not base64/],
    ["{{ secret('TOKEN', subkey='x') }}", /the secret 'TOKEN' is not JSON/],
    ["{{ kv('x') }}", /there is no key 'x' in namespace 'company.team' and those above it/],
  ])('%s fails with a sentence', async (message, error) => {
    const { outcome } = await startWorker({ secrets });
    expect((await outcome(aJob({ type: 'core.log.Log', message }))).error).toMatch(error);
  });
});

describe('Files', () => {
  const own = 'kestra:///company/team/my-flow/executions/execution1/tasks/t/r/a.txt';
  const others = 'kestra:///company/other/my-flow/executions/execution2/tasks/t/r/a.txt';
  const foreign = [
    'kestra:///company/other/_files/x/executions/y/a.txt',
    'kestra:///company/other/_files/a.txt',
    'kestra:///company/_files/a.txt',
  ];

  async function started() {
    const worker = await startWorker({
      plugins: [
        pluginOf(async ({ files }, { text }) => {
          let content = '';
          for await (const chunk of await files.read(String(text))) content += String(chunk);
          return { outputs: { content } };
        }),
      ],
    });
    const storage = createLocalStorage({ directory: join(worker.directory, 'storage') });
    for (const uri of [own, others, ...foreign]) await storage.put(Scope.system('main'), uri, `in ${uri}`);
    const { namespaceFiles } = await startOwner(worker);
    await namespaceFiles.save(MAIN, { namespace: 'company.team', path: 'dir/b.txt', content: 'in dir/b.txt' });
    await namespaceFiles.save(MAIN, { namespace: 'company.team', path: 'empty', content: '' });
    return worker;
  }

  it('of the execution and its namespace are read in expressions', async () => {
    const { outcome } = await started();
    const values = {
      own: `{{ read('${own}') }}`,
      named: "{{ read('dir/b.txt') }}",
      schemed: "{{ read('nsfile:///dir/b.txt') }}",
      size: "{{ fileSize('dir/b.txt') }}",
      there: "{{ fileExists('dir/b.txt') }}",
      gone: "{{ fileExists('none') }}",
      empty: "{{ isFileEmpty('empty') }}",
      others: `{{ read('${others}') }}`,
    };
    expect(await outcome(aJob({ type: 'core.output.OutputValues', values }))).toEqual({
      state: 'SUCCESS',
      outputs: {
        values: {
          own: `in ${own}`,
          named: 'in dir/b.txt',
          schemed: 'in dir/b.txt',
          size: 12,
          there: true,
          gone: false,
          empty: true,
          others: `in ${others}`,
        },
      },
    });
  });

  it.each(foreign)('%s of the same tenant is read, by expressions and tasks', async (uri) => {
    const { outcome } = await started();
    const values = { text: `{{ read('${uri}') }}` };
    const { outputs } = await outcome(aJob({ type: 'core.output.OutputValues', values }));
    expect(outputs).toEqual({ values: { text: `in ${uri}` } });
    expect(await outcome(aJob({ ...task, text: uri }))).toMatchObject({ outputs: { content: `in ${uri}` } });
  });

  it.each([
    'kestra:///company/team/my-flow/states/last/x',
    'kestra:///company/team/_files/../../x',
    'file:///etc/passwd',
    'ftp://host/x',
  ])('%s is refused, to expressions and to tasks', async (uri) => {
    const { outcome } = await started();
    const pattern =
      /belongs neither to an execution nor|is not allowed|is neither a |cannot be read: it is not below|is no file that this worker may read|must begin with kestra|is not below a folder/;
    expect((await outcome(aJob({ type: 'core.log.Log', message: `{{ read('${uri}') }}` }))).error).toMatch(pattern);
    expect((await outcome(aJob({ ...task, text: uri }))).error).toMatch(pattern);
  });

  it('are stored under the task run, and the working directory goes with the attempt', async () => {
    let seen = '';
    const { outcome, directory } = await startWorker({
      plugins: [
        pluginOf(async ({ files }) => {
          seen = await files.workingDirectory();
          await writeFile(join(seen, 'x'), 'x');
          return { outputs: { uri: await files.store('out/a.txt', 'content') } };
        }),
      ],
    });
    const job = aJob(task);
    const uri = `kestra:///company/team/my-flow/executions/execution1/tasks/a-task/${job.taskRunId}/out/a.txt`;
    expect(await outcome(job)).toMatchObject({ outputs: { uri } });
    expect(await readFile(join(directory, 'storage/main', uri.slice('kestra:///'.length)), 'utf8')).toBe('content');
    expect(existsSync(seen)).toBe(false);
    await stopWorkers();
    expect(readdirSync(join(directory, 'tmp'))).toEqual([]);
  });

  it('that would leave the task run are not stored', async () => {
    const { outcome } = await startWorker({
      plugins: [pluginOf(async ({ files }) => ({ outputs: { uri: await files.store('../x', 'x') } }))],
    });
    expect((await outcome(aJob(task))).error).toContain('is not allowed');
  });
});
