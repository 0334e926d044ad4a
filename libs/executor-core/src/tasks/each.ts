import { enteredLoop } from './for-each.js';
import { limitOf, stopsWhenFailed, type Flowable } from './flowable.js';

/** EachSequential: a ForEach with one value at a time. */
export const eachSequential: Flowable = {
  renders: ['value'],
  entered: (task, rendered) => enteredLoop(task.id, rendered['value'], 1),
  lane: (task) => task.lists.tasks,
  concurrency: () => 1,
  valueIndex: (_task, lane) => lane,
  childEnded: stopsWhenFailed,
};

/** EachParallel: a lane for each task of each value, value by value, `concurrent` of them at a time. */
export const eachParallel: Flowable = {
  renders: ['value'],
  entered: (task, rendered) => enteredLoop(task.id, rendered['value'], task.lists.tasks.length),
  lane: (task, _run, lane) => {
    const at = lane % task.lists.tasks.length;
    return task.lists.tasks.slice(at, at + 1);
  },
  concurrency: (task) => limitOf(task.definition['concurrent'], 0),
  valueIndex: (task, lane) => Math.floor(lane / task.lists.tasks.length),
  childEnded: stopsWhenFailed,
};
