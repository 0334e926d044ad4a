import { isPlainObject } from '@millrace/model';
import { stopsWhenFailed, type Flowable } from './flowable.js';

/** Template: the tasks of a template in one lane; they were put in when the flow was planned. */
export const template: Flowable = {
  renders: ['args'],
  entered: (task, { args }) =>
    task.fault === undefined
      ? { kind: 'entered', lanes: 1, outputs: { args: isPlainObject(args) ? args : {} } }
      : { kind: 'refused', message: task.fault },
  lane: (task) => task.lists.tasks,
  concurrency: () => 1,
  childEnded: stopsWhenFailed,
};
