import { setTimeout as delay } from 'node:timers/promises';
import { Dynamic, Duration, taskSchema } from '@millrace/model';
import { defineTask, parseDuration, TaskFailure } from '@millrace/plugin-api';

/** The longest delay that Node's timers take. */
const TIMER_MAX_MS = 2 ** 31 - 1;

/** `core.flow.Sleep`: waits, on a worker. */
export const sleepTask = defineTask({
  type: 'core.flow.Sleep',
  kind: 'runnable',
  title: 'Waits for some time.',
  schema: taskSchema(
    { duration: Dynamic(Duration({ description: 'How long, such as PT5S.' })) },
    'Waits for some time; it occupies a slot of its worker.',
  ),
  async run({ duration }, { signal }) {
    const milliseconds = parseDuration(duration);
    if (milliseconds === undefined || milliseconds < 0) {
      throw new TaskFailure(
        `Property 'duration' must be a duration such as PT5S that is not negative, but is '${duration}'`,
      );
    }
    for (let left = milliseconds; left > 0; left -= TIMER_MAX_MS) {
      await delay(Math.min(left, TIMER_MAX_MS), undefined, { signal });
    }
    return {};
  },
});
