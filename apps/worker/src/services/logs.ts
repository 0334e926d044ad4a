import { Scope } from '@millrace/authorization';
import { logPurge, type Job, type LogLevel, type PlainObject, type Topics } from '@millrace/model';
import type { TaskLogs } from '@millrace/plugin-api';
import type { Queue } from '@millrace/queue';
import { presentLogEntry, type LogPlace, type Repository } from '@millrace/repository';

/** Entries read at a time. */
const PAGE = 500;

export interface TaskLogsOptions {
  readonly job: Job;
  readonly repository: () => Promise<Repository>;
  readonly queue: Pick<Queue, 'publish'>;
  readonly topics: Topics;
}

/** Logs as a task reaches them. */
export function createTaskLogs(options: TaskLogsOptions): TaskLogs {
  const { job, repository, queue, topics } = options;
  const scope = Scope.system(job.tenant);
  return {
    entries: (executionId, filter) => entriesOf(options, executionId, filter),
    async purge(selection) {
      const count = await (await repository()).countLogs(scope, selection);
      if (count > 0) await queue.publish([logPurge(topics, { tenant: job.tenant, ...selection })]);
      return count;
    },
  };
}

async function* entriesOf(
  { job, repository }: TaskLogsOptions,
  executionId: string,
  { minLevel, taskIds }: { readonly minLevel: LogLevel; readonly taskIds: readonly string[] },
): AsyncGenerator<PlainObject> {
  const wanted = new Set(taskIds);
  let after: LogPlace | undefined;
  for (;;) {
    const filter = { minLevel, limit: PAGE, ...(after && { after }) };
    const page = await (await repository()).logs(Scope.system(job.tenant), executionId, filter);
    for (const { entry } of page) {
      if (wanted.size === 0 || wanted.has(entry.taskId ?? '')) yield { ...presentLogEntry(entry) };
    }
    if (page.length < PAGE) return;
    after = page.at(-1)?.place;
  }
}
