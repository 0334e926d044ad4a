import type { TaskDefinition } from '@millrace/model';
import { checkProperties, TaskFailure, type TaskContext, type TaskResult } from '@millrace/plugin-api';
import { templatedTask } from '../src/templated-task.js';

interface Ran {
  readonly definitions: TaskDefinition[];
  readonly warnings: string[];
  readonly result: TaskResult | undefined;
}

/** Runs it on a worker that only notes what it is to run. */
async function run(spec: string): Promise<Ran> {
  const definitions: TaskDefinition[] = [];
  const warnings: string[] = [];
  const context = {
    log: { write: (_level: string, message: string) => void warnings.push(message) },
    runTask: (definition: TaskDefinition) => {
      definitions.push(definition);
      return Promise.resolve({ outputs: { of: definition.type } });
    },
  } as unknown as TaskContext;
  const checked = checkProperties(templatedTask, { spec });
  if (!checked.ok || !templatedTask.run) throw new Error('wrong properties');
  const result = await templatedTask.run({ ...checked.properties, id: 't', type: templatedTask.type }, context);
  return { definitions, warnings, result };
}

describe('TemplatedTask', () => {
  it('runs the task of its text, whose outputs are its own', async () => {
    const { definitions, result } = await run('id: inner\ntype: core.log.Log\nmessage: [one, 2, yes]');
    expect(definitions).toEqual([{ id: 'inner', type: 'core.log.Log', message: ['one', 2, true] }]);
    expect(result).toEqual({ outputs: { of: 'core.log.Log' } });
  });

  it('needs no id', async () => {
    expect((await run('{type: core.flow.Sleep, duration: PT1S}')).definitions).toEqual([
      { id: 'templated', type: 'core.flow.Sleep', duration: 'PT1S' },
    ]);
  });

  it('says what of the inner task has no effect', async () => {
    const { warnings } = await run('{type: core.flow.Sleep, duration: PT1S, timeout: PT2S, retry: {}}');
    expect(warnings).toEqual([expect.stringMatching(/have no effect, set them on the task itself: retry, timeout$/)]);
  });

  it.each([
    ['no YAML', '{a: [', 'is not YAML once it is rendered'],
    ['no map', 'just text', 'must be one task'],
    ['two documents', 'a: 1\n---\nb: 2', 'is not YAML once it is rendered'],
    ['no type', 'id: x', "has no 'type'"],
    ['an id that is no text', '{id: 5, type: core.log.Log}', "The 'id' of the task"],
    ['itself', '{type: io.kestra.plugin.core.templating.TemplatedTask, spec: x}', 'must not be a TemplatedTask again'],
  ])('refuses a text that is %s', async (_, spec, message) => {
    await expect(run(spec)).rejects.toThrow(TaskFailure);
    await expect(run(spec)).rejects.toThrow(message);
  });
});
