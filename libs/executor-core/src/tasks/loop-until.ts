import { stopsWhenFailed, type Flowable } from './flowable.js';

/** What is evaluated after each round. */
export const ROUND_EXPRESSIONS = ['condition', 'checkFrequency', 'failOnMaxReached'] as const;

/** LoopUntil: one lane with all tasks, again and again; what comes after a round is in ../rounds.ts. */
export const loopUntil: Flowable = {
  renders: [],
  repeats: true,
  entered: () => ({ kind: 'entered', lanes: 1, outputs: { iterationCount: 1 } }),
  lane: (task) => task.lists.tasks,
  concurrency: () => 1,
  childEnded: stopsWhenFailed,
};
