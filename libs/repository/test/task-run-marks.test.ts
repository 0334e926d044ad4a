import { withoutRemoved } from '../src/elasticsearch/documents/task-runs.js';
import { taskRunOf } from './database.js';

const placed = (...positions: readonly number[]) =>
  positions.map((position, sequence) => ({ run: taskRunOf('e1', sequence), position }));
const left = (marks: Record<string, number>, expected: number, runs = placed(1, 2, 3)) =>
  withoutRemoved(runs, new Map(Object.entries(marks)), expected).map(({ id }) => id);

it.each<[string, Record<string, number>, number, string[]]>([
  ['nothing was removed', {}, 3, ['run0', 'run1', 'run2']],
  ['a restart removed one', { run2: 9 }, 2, ['run0', 'run1']],
  ['the queue no longer needs any', { run0: 7, run1: 8, run2: 9 }, 3, ['run0', 'run1', 'run2']],
  ['a restart removed one, and later the queue needs none', { run2: 5, run0: 7, run1: 8 }, 2, ['run0', 'run1']],
  ['the head of a new task run is not there yet', {}, 2, ['run0', 'run1', 'run2']],
  ['it was written again after its mark', { run0: 7, run2: 2 }, 2, ['run1', 'run2']],
])('task runs when %s', (_what, marks, expected, ids) => expect(left(marks, expected)).toEqual(ids));
