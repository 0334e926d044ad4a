import { excerpt, parseDuration, PAUSE_BEHAVIORS, type PlainObject, type State } from '@millrace/model';
import { stopsWhenFailed, type Entered, type Flowable } from './flowable.js';

const ON_PAUSE = 'onPause';

type Behavior = (typeof PAUSE_BEHAVIORS)[number];
const BECOMES: Readonly<Record<Behavior, State>> = {
  RESUME: 'RUNNING',
  WARN: 'WARNING',
  FAIL: 'FAILED',
  CANCEL: 'CANCELLED',
};

/**
 * Pause: waits until it is resumed or its time is over (../pause.ts). While it waits there is one lane, `onPause`; the old
 * `tasks` become another one when it is resumed.
 */
export const pause: Flowable = {
  renders: ['pauseDuration', 'delay', 'timeout', 'behavior'],
  branches: (written) => (written[ON_PAUSE] === undefined ? [] : [[ON_PAUSE, [written[ON_PAUSE]]] as const]),
  entered: (task, rendered) => {
    const limit = limitOfPause(task.id, rendered);
    if ('message' in limit) return limit;
    return { kind: 'entered', lanes: (task.branches.get(ON_PAUSE) ?? []).length, pause: limit };
  },
  lane: (task, _run, lane) => {
    const lanes = [task.branches.get(ON_PAUSE) ?? [], task.lists.tasks].filter((tasks) => tasks.length > 0);
    return lanes[lane] ?? [];
  },
  concurrency: () => Infinity,
  childEnded: stopsWhenFailed,
};

function limitOfPause(
  taskId: string,
  { pauseDuration, delay, timeout, behavior = 'RESUME' }: PlainObject,
): { readonly afterMs?: number; readonly becomes?: State } | Extract<Entered, { kind: 'refused' }> {
  const known = PAUSE_BEHAVIORS.find((name) => name === behavior);
  if (known === undefined) {
    return refused(
      `The behavior of '${taskId}' is ${excerpt(behavior)}: it must be one of ${PAUSE_BEHAVIORS.join(', ')}.`,
    );
  }
  const duration = pauseDuration ?? delay;
  const limit = duration ?? timeout;
  if (limit === undefined || limit === null) return {};
  const afterMs = typeof limit === 'string' ? parseDuration(limit) : undefined;
  if (afterMs === undefined) {
    return refused(`The duration of '${taskId}' is ${excerpt(limit)}: it must be a duration such as PT10M.`);
  }
  // The time-out of a task fails it, whatever `behavior` says.
  return {
    afterMs: Math.max(0, afterMs),
    becomes: duration === undefined || duration === null ? 'FAILED' : BECOMES[known],
  };
}

const refused = (message: string): Extract<Entered, { kind: 'refused' }> => ({ kind: 'refused', message });
