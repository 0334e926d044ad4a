import { ITEM_TASKS, type Job, type JobOutcome, type JobProgressed, type PlainObject } from '@millrace/model';
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

type ChildNews = JobProgressed['child'];

/** What a worker tells of the children of a WorkingDirectory, in order: each begins and ends, a failed one is the last. */
export function childrenNews(seed: number, job: Job): readonly ChildNews[] {
  const news: ChildNews[] = [];
  for (const [index, { taskRunId, task }] of (job.children ?? []).entries()) {
    const child = { taskRunId, taskId: task.id, index, attempt: 1 };
    const state = plannedState(seed, task.id, undefined, 0);
    news.push({ ...child, state: 'RUNNING' }, { ...child, state });
    if (state === 'FAILED' && task.allowFailure !== true) break;
  }
  return news;
}

/** A WorkingDirectory is as its children are, softened as their tasks say. */
function directoryState(seed: number, job: Job): 'SUCCESS' | 'WARNING' | 'FAILED' {
  let isWarning = false;
  for (const { taskId, state } of childrenNews(seed, job)) {
    const task = job.children?.find((child) => child.task.id === taskId)?.task;
    if (state === 'FAILED' && task?.allowFailure !== true) return 'FAILED';
    isWarning ||= (state === 'FAILED' || state === 'WARNING') && task?.allowWarning !== true;
  }
  return isWarning ? 'WARNING' : 'SUCCESS';
}

/** What the simulated worker answers for a job; `mark` tells whose answer it is. */
export function outcomeOf(seed: number, job: Job, mark: string): JobOutcome {
  if (job.kind === 'evaluate') return { state: 'SUCCESS', evaluated: evaluated(job.expressions ?? {}) };
  if (job.task.type === ITEM_TASKS.outputs) return { state: 'SUCCESS', outputs: { page: job.task['page'] } };
  const taskRun = job.variables['taskrun'] as { readonly attemptsCount: number; readonly value?: string };
  const state = job.children
    ? directoryState(seed, job)
    : plannedState(seed, job.task.id, taskRun.value, taskRun.attemptsCount);
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
