import { isTruthy } from '@millrace/model';
import { stopsWhenFailed, type Flowable } from './flowable.js';

/** If: one lane with the tasks of the branch that was taken; the choice is kept, so it never changes later. */
export const ifTask: Flowable = {
  renders: ['condition'],
  branches: (written) => [
    ['then', written['then']],
    ['else', written['else']],
  ],
  entered: (_task, { condition }) => {
    const evaluationResult = isTruthy(condition);
    return {
      kind: 'entered',
      lanes: 1,
      branch: evaluationResult ? 'then' : 'else',
      outputs: { evaluationResult },
    };
  },
  lane: (task, run) => task.branches.get(run.branch ?? '') ?? [],
  concurrency: () => 1,
  childEnded: stopsWhenFailed,
};
