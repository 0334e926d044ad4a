import type { Flowable } from './flowable.js';

/**
 * WorkingDirectory: one job. A worker runs the list `tasks` and tells of each (../working-directory.ts); what comes after it,
 * `errors` and `finally`, are ordinary task runs. The attempt's state says how the list has ended.
 */
export const workingDirectory: Flowable = {
  renders: [],
  entered: (task) => ({ kind: 'refused', message: `'${task.id}' is entered by a worker.` }),
  lane: () => [],
  concurrency: () => 1,
  childEnded: () => 'go-on',
  endedAs(run) {
    const last = run.attempts.at(-1)?.state;
    return last === 'RUNNING' ? undefined : last;
  },
};
