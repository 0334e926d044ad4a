import {
  ITEM_TASKS,
  slug,
  type ItemOutputs,
  type ItemsProgress,
  type PlainObject,
  type TaskRun,
} from '@millrace/model';
import type { Decision } from '../decision.js';
import { evaluationAttempt } from '../end-task-run.js';
import { defaultGroup, handOver } from '../worker-groups.js';
import { jobFor } from '../jobs.js';
import type { TaskPlan } from '../plan.js';
import type { ExecutionView } from '../state.js';

/**
 * Outputs of the executions of a ForEachItem. They arrive with their ends, are kept in small records, and a worker writes
 * each full record into a file: the executor has no files, and a million outputs do not fit into an execution.
 */

/** Characters of JSON after which a page is full: what an end writes again each time. */
const PAGE_CHARACTERS = 32 * 1024;

const pageOf = (view: ExecutionView, run: TaskRun, page: number): ItemOutputs =>
  view.itemOutputs(run.id, page) ?? { kind: 'item-outputs', taskRunId: run.id, page, lines: [], characters: 0 };

/** Keeps the outputs of one execution; answers the progress with the page that is being filled now. */
export function addOutputs(
  decision: Decision,
  run: TaskRun,
  progress: ItemsProgress,
  outputs: PlainObject,
): ItemsProgress {
  const line = JSON.stringify(outputs);
  const filled = pageOf(decision.view, run, progress.page);
  const isFull = filled.lines.length > 0 && filled.characters + line.length > PAGE_CHARACTERS;
  const page = isFull ? progress.page + 1 : progress.page;
  const { lines, characters } = isFull ? { lines: [], characters: 0 } : filled;
  decision.fact({
    kind: 'item-outputs-set',
    record: {
      kind: 'item-outputs',
      taskRunId: run.id,
      page,
      lines: [...lines, line],
      characters: characters + line.length,
    },
  });
  return { ...progress, page };
}

/** The page that a worker has to write next; with `all` also the one that is not full. */
export function pageToStore(
  decision: Decision,
  run: TaskRun,
  progress: ItemsProgress,
  all: boolean,
): number | undefined {
  if (progress.stored < progress.page) return progress.stored;
  const hasLines = pageOf(decision.view, run, progress.page).lines.length > 0;
  return all && hasLines ? progress.page : undefined;
}

/** Has a worker write a page into a file. One at a time, so that nothing has to be remembered of others. */
export function storeOutputs(decision: Decision, task: TaskPlan, run: TaskRun, page: number): void {
  const evaluations = (run.evaluations ?? -1) + (run.evaluating ? 0 : 1);
  if (!run.evaluating) decision.fact({ kind: 'evaluation-requested', taskRunId: run.id });
  // Any worker can write it, so it never waits for a group that the task asks for.
  handOver(
    decision,
    {
      ...jobFor(decision, task, run),
      attempt: evaluationAttempt({ evaluations }),
      kind: 'run',
      task: {
        id: task.id,
        type: ITEM_TASKS.outputs,
        page,
        folder: outputsFolder(run.items?.attempt ?? 1),
        lines: '{{ lines }}',
      },
      // Not among the properties: what a user's flow put out is no template.
      variables: { lines: pageOf(decision.view, run, page).lines },
      resubmits: run.resubmits ?? 0,
    },
    defaultGroup(decision),
  );
}

/** A worker has written the page. */
export function outputsStored(decision: Decision, run: TaskRun, progress: ItemsProgress): void {
  const { stored } = progress;
  decision.fact(
    { kind: 'evaluated', taskRunId: run.id, values: {} },
    {
      kind: 'item-outputs-set',
      record: { kind: 'item-outputs', taskRunId: run.id, page: stored, lines: [], characters: 0 },
    },
    { kind: 'items-set', taskRunId: run.id, items: { ...progress, stored: stored + 1 } },
  );
  decision.then({ kind: 'start-items', taskRunId: run.id });
}

/** Below the folder of the task run's files; a start from the first item has another one than the start before. */
const outputsFolder = (attempt: number): string => `outputs-${attempt}`;

/** Where the files of outputs are, without the scheme (the layout of internal storage, spec expressions.md §6). */
export function outputsBase(decision: Decision, task: TaskPlan, taskRunId: string, attempt: number): string {
  const { namespace, flowId, executionId } = decision.view.head;
  const folders = [
    ...namespace.split('.').filter((part) => part !== ''),
    slug(flowId) || flowId,
    'executions',
    executionId,
    'tasks',
    slug(task.id) || task.id,
    taskRunId,
    outputsFolder(attempt),
  ];
  return `/${folders.join('/')}`;
}
