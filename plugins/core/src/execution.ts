import { Type } from '@sinclair/typebox';
import { Dynamic, excerpt, isTruthy, taskSchema } from '@millrace/model';
import { defineTask } from '@millrace/plugin-api';

const Condition = Type.Union([
  Type.String(),
  Type.Boolean(),
  Type.Number(),
  Type.Null(),
  Type.Array(Type.Unknown()),
  Type.Object({}, { additionalProperties: true }),
]);

/** `core.execution.Fail`: fails, always or under a condition. */
export const failTask = defineTask({
  type: 'core.execution.Fail',
  aliases: ['io.kestra.core.tasks.executions.Fail'],
  kind: 'runnable',
  title: 'Fails, always or when a condition holds.',
  schema: taskSchema(
    {
      condition: Type.Optional(
        Dynamic({ ...Condition, description: 'Fail only when this is truthy. Without it the task always fails.' }),
      ),
      errorMessage: Type.Optional(Dynamic(Type.String({ default: 'Task failure', description: 'What the log says.' }))),
    },
    'Fails the task run, and with it the execution unless something handles the error.',
  ),
  inline(properties) {
    const { errorMessage = 'Task failure' } = properties;
    const fails = !('condition' in properties) || isTruthy(properties.condition);
    return fails ? { state: 'FAILED', error: errorMessage } : {};
  },
});

/** `core.execution.Assert`: fails unless every condition holds. */
export const assertTask = defineTask({
  type: 'core.execution.Assert',
  kind: 'runnable',
  title: 'Fails unless every condition holds.',
  schema: taskSchema(
    {
      conditions: Dynamic(Type.Array(Condition, { minItems: 1, description: 'Each must be truthy.' })),
      errorMessage: Type.Optional(Dynamic(Type.String({ description: 'What the log says when one does not hold.' }))),
    },
    'Fails unless every condition holds.',
  ),
  inline({ conditions, errorMessage }) {
    const failed = conditions.flatMap((condition, index) => (isTruthy(condition) ? [] : [index]));
    const metrics = [
      { type: 'counter', name: 'success', value: conditions.length - failed.length },
      { type: 'counter', name: 'failed', value: failed.length },
    ] as const;
    if (failed.length === 0) return { metrics };
    const logs = failed.map((index) => ({
      level: 'ERROR' as const,
      message: `Condition ${index + 1} does not hold: it is '${excerpt(conditions[index] ?? '')}'`,
    }));
    return {
      state: 'FAILED',
      logs,
      metrics,
      error: errorMessage ?? `${failed.length} of ${conditions.length} conditions do not hold`,
    };
  },
});
