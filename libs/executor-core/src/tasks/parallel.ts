import { limitOf, type Flowable } from './flowable.js';

/**
 * Parallel: each task is a lane of its own, `concurrent` of them at a time.
 *
 * When a child fails (and has no retry left): no further child is started. With `errors`, those start at once while the
 * siblings that run go on; when the last of `errors` and `finally` has ended, or there are none, the Parallel ends FAILED
 * and what still runs is stopped and takes its state. A child that ends otherwise makes room for the next.
 */
export const parallel: Flowable = {
  renders: [],
  entered: (task) => ({ kind: 'entered', lanes: task.lists.tasks.length }),
  lane: (task, _run, lane) => task.lists.tasks.slice(lane, lane + 1),
  concurrency: (task) => limitOf(task.definition['concurrent'], 0),
  childEnded: (child) => (child.state === 'FAILED' ? 'leave' : 'go-on'),
};
