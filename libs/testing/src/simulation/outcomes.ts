import { ITEM_TASKS, type Job, type JobOutcome, type PlainObject } from '@millrace/model';
import { ITEMS } from './family.js';
import { hashOf } from './random.js';

/** How a worker's task ends: follows from the task, its loop value and the attempts that count, and from nothing else. */
export function plannedState(seed: number, taskId: string, value: string | undefined, countedBefore: number) {
  const drawn = hashOf(seed, taskId, value, countedBefore) % 100;
  return drawn < 78 ? 'SUCCESS' : drawn < 92 ? 'FAILED' : 'WARNING';
}

/** Property expressions that only a worker may evaluate are written `{{ secret('…') }}`; here a secret is its own name. */
export const secretExpression = (text: string): string => `{{ secret('${text}') }}`;
const SECRET = /^\{\{ secret\('(.*)'\) \}\}$/;

/** What the simulated worker answers for a job; `mark` tells whose answer it is. */
export function outcomeOf(seed: number, job: Job, mark: string): JobOutcome {
  if (job.kind === 'evaluate') return { state: 'SUCCESS', evaluated: evaluated(job.expressions ?? {}) };
  if (job.task.type === ITEM_TASKS.outputs) return { state: 'SUCCESS', outputs: { page: job.task['page'] } };
  const taskRun = job.variables['taskrun'] as { readonly attemptsCount: number; readonly value?: string };
  const state = plannedState(seed, job.task.id, taskRun.value, taskRun.attemptsCount);
  const items =
    job.task.type === ITEM_TASKS.split ? { splits: 'kestra:///items/splits.txt', numberOfBatches: ITEMS } : {};
  return { state, outputs: { mark, ...items }, ...(state === 'FAILED' ? { error: 'It was drawn to fail' } : {}) };
}

const evaluated = (expressions: PlainObject): PlainObject =>
  Object.fromEntries(
    Object.entries(expressions).map(([name, written]) => [
      name,
      typeof written === 'string' ? written.replace(SECRET, '$1') : written,
    ]),
  );
