import { join } from 'node:path';
import { Scope } from '@millrace/authorization';
import { isStoredOutputs, type Job, type JobOutcome, type PlainObject, type TaskDefinition } from '@millrace/model';
import { plugin as scriptPlugin } from '@millrace/plugin-script';
import { createLocalStorage } from '@millrace/storage/local';
import { aJob, startWorker, stopWorkers, type Started } from './support.js';
import { pluginOf } from './plugins.js';

afterEach(stopWorkers);

const BIG = 'ä'.repeat(40_000);
const big = pluginOf((_context, { text }) => Promise.resolve({ outputs: { text: BIG, end: text ?? 'end' } }));
const storageOf = ({ directory }: Started) => createLocalStorage({ directory: join(directory, 'storage') });

const uriOf = ({ outputs }: JobOutcome): string => {
  if (!isStoredOutputs(outputs)) throw new Error(`not stored: ${JSON.stringify(outputs).slice(0, 200)}`);
  return outputs.storageUri;
};
const reading = (format: string, outputs: PlainObject, rest: Partial<Job> = {}): Job =>
  aJob({ type: 'core.debug.Return', format }, { variables: { outputs }, ...rest });

describe('Large outputs', () => {
  it('are kept in internal storage, and what stands for them says where', async () => {
    const worker = await startWorker({ plugins: [big] });
    const job = aJob({ type: 'test.Task' }, { attempt: 2 });
    const outcome = await worker.outcome(job);
    const { tenant: tenantId, namespace, flowId, executionId, taskRunId } = job;
    expect(outcome).toEqual({
      state: 'SUCCESS',
      outputs: {
        type: 'io.kestra.datatype:outputs',
        storageUri: `kestra:///company/team/my-flow/executions/execution1/tasks/a-task/${taskRunId}/.millrace/outputs-2.json`,
        storageContext: { tenantId, namespace, flowId, executionId, taskId: 'a-task', taskRunId },
      },
    });
    let text = '';
    for await (const chunk of await storageOf(worker).read(Scope.system('main'), uriOf(outcome)))
      text += Buffer.from(chunk).toString('latin1');
    expect(JSON.parse(Buffer.from(text, 'latin1').toString('utf8'))).toEqual({ text: BIG, end: 'end' });
  });

  it('stay as they are up to 64 KiB', async () => {
    const small = pluginOf(() => Promise.resolve({ outputs: { text: 'x'.repeat(65_000) } }));
    const worker = await startWorker({ plugins: [small] });
    expect((await worker.outcome(aJob({ type: 'test.Task' }))).outputs).toMatchObject({ text: expect.any(String) });
  });

  it('are read through by expressions, also by those of another execution of the flow', async () => {
    const worker = await startWorker({ plugins: [big] });
    const { outputs } = await worker.outcome(aJob({ type: 'test.Task', text: 'the end' }));
    const format = '{{ outputs.a.end }} {{ outputs.a.text | length }} {{ outputs.loop.x.end }}';
    const variables = { a: outputs, loop: { x: outputs }, other: { value: 1 } };
    for (const executionId of ['execution1', 'a-replay']) {
      const read = await worker.outcome(reading(format, variables, { executionId }));
      expect(read.outputs).toEqual({ value: 'the end 40000 the end' });
    }
  });

  it('are read for expressions of an executor', async () => {
    const worker = await startWorker({ plugins: [big] });
    const { outputs } = await worker.outcome(aJob({ type: 'test.Task' }));
    const job = reading('', { a: outputs }, { kind: 'evaluate', expressions: { condition: '{{ outputs.a.end }}' } });
    expect((await worker.outcome(job)).evaluated).toEqual({ condition: 'end' });
  });

  it.each([
    ['another flow', 'kestra:///company/team/other/executions/e/tasks/t/r/.millrace/outputs-1.json'],
    ['another namespace', 'kestra:///company/my-flow/executions/e/tasks/t/r/.millrace/outputs-1.json'],
    ['a file that is none', 'kestra:///company/team/my-flow/executions/e/tasks/t/r/result.json'],
    ['a file of the namespace', 'kestra:///company/team/_files/tasks/t/r/.millrace/outputs-1.json'],
  ])('of %s are not read, whoever says so', async (_, storageUri) => {
    const worker = await startWorker();
    await storageOf(worker).put(Scope.system('main'), storageUri, '{"secret": 1}');
    const forged = { type: 'io.kestra.datatype:outputs', storageUri };
    const outcome = await worker.outcome(reading('{{ outputs.a.secret }}', { a: forged }));
    expect(outcome.state).toBe('FAILED');
    expect(outcome.error).toContain("does not hold outputs of the flow 'company.team.my-flow'");
  });

  it('that are gone fail the task that reads them, and no other', async () => {
    const worker = await startWorker({ plugins: [big] });
    const outcome = await worker.outcome(aJob({ type: 'test.Task' }));
    await storageOf(worker).remove(Scope.system('main'), uriOf(outcome));
    const read = await worker.outcome(reading('{{ outputs.a.end }}', { a: outcome.outputs }));
    expect(read.state).toBe('FAILED');
    expect(read.error).toContain('outputs-1.json');
  });

  it('of a failed task are kept too', async () => {
    const worker = await startWorker({ plugins: [scriptPlugin] });
    const command = `printf '::{"outputs":{"text":"%s"}}::\\n' $(head -c 100000 /dev/zero | tr '\\0' x); exit 3`;
    const outcome = await worker.outcome(aJob({ type: 'scripts.shell.Commands', commands: [command] }));
    expect(outcome.state).toBe('FAILED');
    const read = await worker.outcome(reading('{{ outputs.a.vars.text | length }}', { a: outcome.outputs }));
    expect(read.outputs).toEqual({ value: '100000' });
  });

  it('of a task of a WorkingDirectory are read by those after it, and by its own outputFiles', async () => {
    const worker = await startWorker({ plugins: [big, scriptPlugin] });
    const task = (id: string, type: string, more: PlainObject = {}): TaskDefinition => ({ id, type, ...more });
    const children = [
      task('a', 'test.Task', { text: '*.txt' }),
      task('b', 'scripts.shell.Commands', { commands: ['echo "{{ outputs.a.text | length }}" > length.txt'] }),
    ];
    const outcome = await worker.outcome(
      aJob(
        { type: 'core.flow.WorkingDirectory', outputFiles: ['{{ outputs.a.end }}'] },
        { children: children.map((child) => ({ taskRunId: `run-${child.id}`, task: child })) },
      ),
    );
    expect(outcome.state).toBe('SUCCESS');
    expect(Object.keys(outcome.outputs?.['outputFiles'] ?? {})).toEqual(['length.txt']);
    expect(worker.queue.events('job-progressed').filter(({ child }) => isStoredOutputs(child.outputs))).toHaveLength(1);
  });
});
