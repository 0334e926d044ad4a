import { stopsWhenFailed, type Flowable } from './flowable.js';

/** Sequential and AllowFailure: one lane with all tasks. A failed child ends it. */
export const sequential: Flowable = {
  renders: [],
  entered: () => ({ kind: 'entered', lanes: 1 }),
  lane: (task) => task.lists.tasks,
  concurrency: () => 1,
  childEnded: stopsWhenFailed,
};
