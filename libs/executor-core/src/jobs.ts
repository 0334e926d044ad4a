import type { PlainObject } from '@millrace/model';
import type { Decision, TaskRunPlace } from './decision.js';
import type { TaskPlan } from './plan.js';

/** What every job says of the task run that it is for. */
export function jobFor(decision: Decision, task: TaskPlan, { id, sequence }: Pick<TaskRunPlace, 'id' | 'sequence'>) {
  const { tenant, namespace, flowId, flowRevision, executionId } = decision.view.head;
  return {
    tenant,
    namespace,
    flowId,
    flowRevision,
    executionId,
    taskRunId: id,
    sequence,
    logLevel: task.logLevel,
  };
}

/** Why the variables do not fit into a job, if they do not. */
export function tooLargeForJob(decision: Decision, task: TaskPlan, variables: PlainObject): string | undefined {
  const size = JSON.stringify(variables).length;
  const { jobBytes } = decision.context.limits;
  if (size <= jobBytes) return undefined;
  return `The variables that '${task.id}' names have ${size} characters, and a job carries at most ${jobBytes}: name single members instead of all outputs, or pass a file.`;
}
