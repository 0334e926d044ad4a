import { Type } from '@sinclair/typebox';
import { Dynamic, isPlainObject, parseDuration, taskSchema } from '@millrace/model';
import { defineTask, TaskFailure, type PublishedMetric } from '@millrace/plugin-api';

const METRICS_MAX = 1_000;

const Metric = Type.Object(
  {
    type: Type.Unsafe<'counter' | 'timer' | 'gauge'>({ type: 'string', enum: ['counter', 'timer', 'gauge'] }),
    name: Type.String({ minLength: 1, maxLength: 256 }),
    value: Type.Union([Type.Number(), Type.String()], {
      description: 'A number; of a timer a duration or milliseconds.',
    }),
    tags: Type.Optional(Type.Object({}, { additionalProperties: true })),
  },
  { additionalProperties: false },
);

/** `core.metric.Publish`: publishes metrics of the execution. */
export const publishMetricsTask = defineTask({
  type: 'core.metric.Publish',
  kind: 'runnable',
  title: 'Publishes metrics.',
  schema: taskSchema(
    { metrics: Dynamic(Type.Array(Metric, { maxItems: METRICS_MAX, description: 'What is published.' })) },
    'Publishes metrics of the execution.',
  ),
  inline: ({ metrics }) => ({
    metrics: metrics.map(({ type, name, value, tags }): PublishedMetric => ({
      type,
      name,
      value: valueOf(name, type, value),
      ...(isPlainObject(tags) ? { tags: textTags(tags) } : {}),
    })),
  }),
});

function valueOf(name: string, type: PublishedMetric['type'], written: number | string): number {
  const number = typeof written === 'number' ? written : Number(written.trim() === '' ? Number.NaN : written);
  if (Number.isFinite(number)) return number;
  const duration = type === 'timer' ? parseDuration(String(written)) : undefined;
  if (duration !== undefined) return duration;
  throw new TaskFailure(`The value of the metric '${name}' must be a number, but is '${written}'`);
}

const textTags = (tags: object): Record<string, string> =>
  Object.fromEntries(Object.entries(tags).map(([name, value]) => [name, String(value)]));
