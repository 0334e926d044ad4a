import type { LogLevel, State } from '@millrace/model';
import type { ExecutionAnswer, LogAnswer, TaskRunAnswer } from '../client/answers.js';
import { printable, stateColour, type Colour, type Paint } from './colour.js';
import type { TimedLine } from './ordered-lines.js';
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
}

export function createProgress(paint: Paint): Progress {
  const told = new Map<string, number>();
  const names = new Map<string, string>();

  const changes = (taskRun: TaskRunAnswer): readonly TimedLine[] => {
    const name = taskRunName(taskRun);
    names.set(taskRun.id, name);
    const { histories } = taskRun.state;
    const from = Math.min(told.get(taskRun.id) ?? 0, histories.length);
    told.set(taskRun.id, histories.length);
    return histories.flatMap(({ state, date }, at) => {
      if (at < from || UNTOLD.has(state)) return [];
      const began = histories.findLast((earlier, index) => index < at && earlier.state === 'RUNNING');
      const took =
        began && state !== 'RUNNING' ? paint('grey', durationText(Date.parse(date) - Date.parse(began.date))) : '';
      const text = `${clock(paint, date)} ${paint(stateColour(state), state.padEnd(8))} ${paint('bold', name)} ${took}`;
      return [{ at: Date.parse(date), rank: state === 'RUNNING' ? 'begin' : 'end', text: text.trimEnd() }];
    });
  };
  return {
    execution: ({ taskRunList = [] }) => taskRunList.flatMap(changes),
    log(entry) {
      const name = names.get(entry.taskRunId ?? '') ?? entry.taskId ?? '';
      const level = paint(LEVEL_COLOURS[entry.level], entry.level.padEnd(8));
      const start = `${clock(paint, entry.timestamp)} ${level} ${paint('grey', name)}${name ? ' ' : ''}`;
      const at = Date.parse(entry.timestamp);
      return printable(entry.message ?? '')
        .split('\n')
        .map((line) => ({ at, rank: 'say', text: start + line }));
    },
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
