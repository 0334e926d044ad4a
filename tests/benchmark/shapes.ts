import type { ProductClient } from '../product/client.js';
import { large, latency, rowOf, type Goal, type MeasureEmbedded, type Row } from './rows.js';

const DEPTH = 10;
const SIDE = 100;
const DAG_TASKS = 2_000;

const subflow = (index: number): string =>
  index === 0
    ? '  - {id: only, type: core.log.Log, message: bottom}'
    : `  - {id: next, type: core.flow.Subflow, namespace: test, flowId: chain-${index - 1}}`;

const log = (id: string): string => `{id: ${id}, type: core.log.Log, message: m}`;

/** Each of the first hundred starts at once; every other waits for one of them and for its neighbour. */
const dagTask = (index: number): string => {
  const dependsOn = index < SIDE ? [] : [`t${index % SIDE}`, `t${index - SIDE}`];
  return `      - {task: ${log(`t${index}`)}, dependsOn: [${dependsOn.join(', ')}]}`;
};

/** Flows of many executions, many nested values, many tasks. */
export const SHAPES: readonly string[] = [
  ...Array.from({ length: DEPTH }, (_, index) => `id: chain-${index}\nnamespace: test\ntasks:\n${subflow(index)}\n`),
  `id: nested\nnamespace: test\ntasks:
  - id: outer
    type: core.flow.ForEach
    concurrencyLimit: 0
    values: "{{ range(1, ${SIDE}) }}"
    tasks:
      - id: inner
        type: core.flow.ForEach
        concurrencyLimit: 0
        values: "{{ range(1, ${SIDE}) }}"
        tasks: [${log('leaf')}]
`,
  `id: wide-dag\nnamespace: test\ntasks:\n  - id: dag\n    type: core.flow.Dag\n    tasks:\n${Array.from(
    { length: DAG_TASKS },
    (_, index) => dagTask(index),
  ).join('\n')}\n`,
];

/** Executions that start each other, from the first one's call to its end; the shapes must have been saved. */
export async function chainRow(client: ProductClient): Promise<Row> {
  await latency(client, `chain-${DEPTH - 1}`, 3); // warm
  const seconds = (await latency(client, `chain-${DEPTH - 1}`, 20)).p50 / 1_000;
  return rowOf(`subflow chain of ${DEPTH}`, seconds, { gate: 0.3, aim: 0.1, unit: 's', better: 'less' }, { seconds });
}

/** Large executions of one flow each: what the row is called, and how many task runs they have. */
export const LARGE_SHAPES = [
  { row: `nested ForEach, ${SIDE} × ${SIDE}`, flowId: 'nested', taskRuns: SIDE * SIDE + SIDE + 1 },
  { row: `Dag of ${DAG_TASKS.toLocaleString('en')} tasks`, flowId: 'wide-dag', taskRuns: DAG_TASKS + 1 },
] as const;

/** Neither is a row of the architecture: as many task runs of one ForEach may take 30 s. */
export const shapeGoal = (taskRuns: number): Goal => ({
  gate: Math.round(taskRuns / 333),
  aim: Math.round(taskRuns / 125) / 10,
  unit: 's',
  better: 'less',
});

/** One execution of each shape, from its call to its end. */
export const shapes: MeasureEmbedded = async function* (server, client) {
  for (const yaml of SHAPES) await client.save(yaml);
  yield await chainRow(client);
  for (const { row, flowId, taskRuns } of LARGE_SHAPES) {
    const { seconds, cpuUsPerTaskRun } = await large(server, client, flowId, taskRuns);
    yield rowOf(row, seconds, shapeGoal(taskRuns), { seconds, cpuUsPerTaskRun });
  }
};
