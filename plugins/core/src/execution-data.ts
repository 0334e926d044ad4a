import { Type } from '@sinclair/typebox';
import { Dynamic, isPlainObject, isTruthy, STATES, taskSchema, type State } from '@millrace/model';
import { defineTask, TaskFailure, type ExecutionSelection } from '@millrace/plugin-api';
import { instantOf, instantProperty } from './instant.js';

const text = (description: string) => Type.Optional(Dynamic(Type.String({ minLength: 1, description })));
const flag = (description: string) => Type.Optional(Dynamic(Type.Boolean({ default: true, description })));
const states = (description: string) =>
  Type.Optional(Dynamic(Type.Array(Type.Unsafe<State>({ type: 'string', enum: [...STATES] }), { description })));

/** Flows that are counted at most. */
const COUNTED_MAX = 1_000;

/** `core.execution.Count`: how many executions flows have had. */
export const countExecutionsTask = defineTask({
  type: 'core.execution.Count',
  kind: 'runnable',
  deprecated: true,
  title: 'Counts executions.',
  schema: taskSchema(
    {
      flows: Type.Optional(
        Dynamic(
          Type.Array(
            Type.Object({ namespace: Type.String(), flowId: Type.String() }, { additionalProperties: false }),
            { maxItems: COUNTED_MAX, description: 'Flows, each counted by itself.' },
          ),
        ),
      ),
      namespaces: Type.Optional(
        Dynamic(
          Type.Array(Type.String(), {
            maxItems: COUNTED_MAX,
            description: 'Namespaces with those below them, each counted by itself.',
          }),
        ),
      ),
      states: states('States; without them all.'),
      startDate: instantProperty('Executions that were started not before.'),
      endDate: Type.Optional(instantProperty('Executions that were started before.')),
      expression: Dynamic(
        Type.String({ minLength: 1, description: 'Rendered with `count` for each; what is truthy is in the results.' }),
      ),
    },
    'Counts the executions of flows or namespaces.',
  ),
  outputs: Type.Object({
    results: Type.Array(Type.Object({}, { additionalProperties: true }), {
      description: 'Namespace, flowId and count of each for which the expression holds.',
    }),
    total: Type.Integer({ description: 'Sum of the results.' }),
  }),
  rendersItself: ['expression'],
  async run({ flows = [], namespaces = [], states: wanted, startDate, endDate, expression }, context) {
    if (flows.length + namespaces.length === 0)
      throw new TaskFailure("Give 'flows' or 'namespaces', to say what is counted");
    const range: ExecutionSelection = {
      ...(wanted === undefined ? {} : { states: wanted }),
      from: instantOf('startDate', startDate),
      ...(endDate === undefined ? {} : { before: instantOf('endDate', endDate) }),
    };
    const results: { readonly namespace: string; readonly flowId?: string; readonly count: number }[] = [];
    for (const counted of [...flows, ...namespaces.map((namespace) => ({ namespace }))]) {
      context.signal.throwIfAborted();
      const count = await context.services.executions.count({ ...range, ...counted });
      if (isTruthy(await context.render(expression, { count }))) results.push({ ...counted, count });
    }
    return { outputs: { results, total: results.reduce((sum, { count }) => sum + count, 0) } };
  },
});

/** `core.execution.Resume`: lets a paused execution go on. */
export const resumeExecutionTask = defineTask({
  type: 'core.execution.Resume',
  kind: 'runnable',
  deprecated: true,
  title: 'Resumes a paused execution.',
  schema: taskSchema(
    {
      executionId: text('The execution.'),
      namespace: text('Without an execution: namespace of the flow whose newest paused execution is resumed.'),
      flowId: text('Without an execution: the flow whose newest paused execution is resumed.'),
      inputs: Type.Optional(
        Dynamic(
          Type.Union([Type.Object({}, { additionalProperties: true }), Type.String()], {
            description: "Values of the 'onResume' inputs.",
          }),
        ),
      ),
    },
    'Resumes a paused execution.',
  ),
  async run({ executionId, namespace, flowId, inputs = {} }, { services }) {
    const given: unknown = typeof inputs === 'string' ? JSON.parse(inputs) : inputs;
    if (!isPlainObject(given)) throw new TaskFailure("Property 'inputs' must be a map");
    const id = executionId ?? (await newestPaused(namespace, flowId, services.executions));
    await services.executions.resume(id, given);
    return {};
  },
});

async function newestPaused(
  namespace: string | undefined,
  flowId: string | undefined,
  executions: { find(selection: ExecutionSelection, limit: number): Promise<readonly string[]> },
): Promise<string> {
  if (namespace === undefined || flowId === undefined)
    throw new TaskFailure("Give 'executionId', or 'namespace' and 'flowId', to say which execution is resumed");
  const [newest] = await executions.find({ namespace, flowId, states: ['PAUSED'] }, 1);
  if (newest === undefined) throw new TaskFailure(`The flow '${namespace}.${flowId}' has no paused execution`);
  return newest;
}

/** `core.execution.PurgeExecutions`: removes what ended executions left behind. */
export const purgeExecutionsTask = defineTask({
  type: 'core.execution.PurgeExecutions',
  kind: 'runnable',
  title: 'Removes ended executions for good.',
  schema: taskSchema(
    {
      namespace: text("Namespace of the flows, with those below it; with 'flowId' only itself."),
      flowId: text('The flow.'),
      states: states('States; without them every state in which an execution has ended.'),
      startDate: Type.Optional(instantProperty('Executions that were started not before.')),
      endDate: instantProperty('Executions that were started before.'),
      purgeExecution: flag('The executions themselves.'),
      purgeLog: flag('Their logs.'),
      purgeMetric: flag('Their metrics.'),
      purgeStorage: flag('Their files.'),
      batchSize: Type.Optional(
        Dynamic(
          Type.Integer({ minimum: 1, maximum: 1_000, default: 100, description: 'Executions looked for at a time.' }),
        ),
      ),
    },
    'Removes ended executions for good, with their logs, metrics and files.',
  ),
  outputs: Type.Object({
    executionsCount: Type.Integer({ description: 'Executions that were removed.' }),
    logsCount: Type.Integer({ description: 'Log entries that were removed.' }),
    metricsCount: Type.Integer({ description: 'Metrics that were removed.' }),
    storagesCount: Type.Integer({ description: 'Files that were removed.' }),
  }),
  async run(properties, { services }) {
    const { namespace, flowId, states: wanted, startDate, endDate, batchSize = 100 } = properties;
    if (flowId !== undefined && namespace === undefined)
      throw new TaskFailure("'flowId' needs 'namespace' beside it, for flows of two namespaces may share an id");
    const { purgeExecution = true, purgeLog = true, purgeMetric = true, purgeStorage = true } = properties;
    const purged = await services.executions.purge(
      {
        ...(namespace === undefined ? {} : { namespace }),
        ...(flowId === undefined ? {} : { flowId }),
        ...(wanted === undefined ? {} : { states: wanted }),
        ...(startDate === undefined ? {} : { from: instantOf('startDate', startDate) }),
        before: instantOf('endDate', endDate),
      },
      { execution: purgeExecution, logs: purgeLog, metrics: purgeMetric, storage: purgeStorage },
      batchSize,
    );
    return {
      outputs: {
        executionsCount: purged.executions,
        logsCount: purged.logs,
        metricsCount: purged.metrics,
        storagesCount: purged.storages,
      },
    };
  },
});
