import type { Topic, Topics } from '@millrace/model';
import type { IndexedTopic } from '@millrace/repository';

/** The topic of this name. */
export const indexedTopic = (topics: Topics, name: IndexedTopic): Topic<unknown> =>
  ({
    executions: topics.executions,
    'task-runs': topics.taskRuns,
    logs: topics.logs,
    metrics: topics.metrics,
    triggers: topics.triggers,
  })[name];
