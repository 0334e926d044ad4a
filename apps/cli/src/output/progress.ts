import type { LogLevel, State } from '@millrace/model';
import type { ExecutionAnswer, LogAnswer, TaskRunAnswer } from '../client/answers.js';
import { printable, stateColour, type Colour, type Paint } from './colour.js';
import type { Places, TimedLine } from './ordered-lines.js';
import { durationText } from './quantities.js';

/** States that last an instant and say nothing to a person. */
const UNTOLD: ReadonlySet<State> = new Set<State>(['CREATED', 'SUBMITTED']);

const LEVEL_COLOURS: Readonly<Record<LogLevel, Colour>> = {
  TRACE: 'grey',
  DEBUG: 'grey',
  INFO: 'cyan',
  WARN: 'yellow',
  ERROR: 'red',
};

/** Turns what the server tells of an execution into lines for people; tells nothing twice. */
export interface Progress {
  /** What changed since the last call. */
  execution(execution: ExecutionAnswer): readonly TimedLine[];
  log(entry: LogAnswer): readonly TimedLine[];
  /** Where lines of one moment belong. */
  readonly places: Places;
}

export function createProgress(paint: Paint): Progress {
  const told = new Map<string, number>();
  const names = new Map<string, string>();
  const tree = createTaskRunTree();

  const changes = (taskRun: TaskRunAnswer): readonly TimedLine[] => {
    const {
      id,
      state: { histories },
    } = taskRun;
    const name = taskRunName(taskRun);
    names.set(id, name);
    tree.add(taskRun);
    const from = Math.min(told.get(id) ?? 0, histories.length);
    told.set(id, histories.length);
    return histories.flatMap(({ state, date }, index) => {
      if (index < from || UNTOLD.has(state)) return [];
      const start = histories.findLast((earlier, place) => place < index && earlier.state === 'RUNNING');
      const elapsedMs = Date.parse(date) - Date.parse(start?.date ?? date);
      const took = start && state !== 'RUNNING' ? paint('grey', durationText(elapsedMs)) : '';
      const text = `${clock(paint, date)} ${paint(stateColour(state), state.padEnd(8))} ${paint('bold', name)} ${took}`;
      const rank = state === 'RUNNING' ? 'begin' : 'end';
      return [{ at: Date.parse(date), rank, taskRunId: id, text: () => text.trimEnd() }];
    });
  };
  return {
    places: tree,
    execution: ({ taskRunList = [] }) => taskRunList.flatMap(changes),
    log: ({ taskRunId = '', taskId = '', timestamp, level, message = '' }) =>
      printable(message)
        .split('\n')
        .map((line) => {
          const start = `${clock(paint, timestamp)} ${paint(LEVEL_COLOURS[level], level.padEnd(8))}`;
          // The loop value is known only when the execution has told of the task run: asked for as late as possible.
          const name = (): string => names.get(taskRunId) ?? taskId;
          return {
            at: Date.parse(timestamp),
            rank: 'say',
            taskRunId,
            text: () => `${start} ${paint('grey', name())} ${line}`,
          };
        }),
  };
}

/** Task runs in the order in which they were made; one with children ends with the last of them. */
function createTaskRunTree(): Places & { add(taskRun: TaskRunAnswer): void } {
  const own = new Map<string, number>();
  const last = new Map<string, number>();
  const parents = new Map<string, string>();
  return {
    add({ id, parentTaskRunId }) {
      if (own.has(id)) return;
      const place = own.size;
      own.set(id, place);
      if (parentTaskRunId !== undefined) parents.set(id, parentTaskRunId);
      for (let at: string | undefined = id; at !== undefined; at = parents.get(at)) last.set(at, place);
    },
    ofBegin: (taskRunId) => own.get(taskRunId) ?? Infinity,
    ofEnd: (taskRunId) => last.get(taskRunId) ?? Infinity,
  };
}

/** `task`, or `task[value]` in a loop. */
export const taskRunName = ({ taskId, value }: Pick<TaskRunAnswer, 'taskId' | 'value'>): string =>
  value === undefined ? taskId : `${taskId}[${printable(value).slice(0, 60)}]`;

/** The time of day, in the zone of whoever reads. */
function clock(paint: Paint, date: string): string {
  const at = new Date(date);
  const two = (amount: number): string => String(amount).padStart(2, '0');
  const text = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}.${String(at.getMilliseconds()).padStart(3, '0')}`;
  return paint('grey', text);
}
