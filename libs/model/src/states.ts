/** Every state of executions, task runs and attempts (spec executions.md §2). */
export const STATES = [
  'CREATED',
  'QUEUED',
  'SUBMITTED',
  'RUNNING',
  'PAUSED',
  'RESTARTED',
  'KILLING',
  'RETRYING',
  'RETRIED',
  'BREAKPOINT',
  'SUCCESS',
  'WARNING',
  'FAILED',
  'KILLED',
  'CANCELLED',
  'SKIPPED',
  'RESUBMITTED',
] as const;
export type State = (typeof STATES)[number];

const TERMINAL: ReadonlySet<State> = new Set<State>([
  'FAILED',
  'WARNING',
  'SUCCESS',
  'KILLED',
  'CANCELLED',
  'RETRIED',
  'SKIPPED',
  'RESUBMITTED',
]);

/** Nothing follows by itself after a terminal state. */
export const isTerminal = (state: State): boolean => TERMINAL.has(state);

export const isState = (text: string): text is State => (STATES as readonly string[]).includes(text);

type Moves = Readonly<Record<State, readonly State[]>>;

const ENDED: readonly State[] = ['SUCCESS', 'WARNING', 'FAILED', 'KILLED', 'CANCELLED', 'SKIPPED'];

/** A restart or replay runs it again (a task run with children goes on); a person may also give it another end. */
const afterEnd = (state: State, ...more: readonly State[]): readonly State[] => [
  'RESTARTED',
  'RUNNING',
  ...ENDED.filter((other) => other !== state),
  ...more,
];

/**
 * The moves of a task run. A move that is not here is refused, in tests and in production: it would be a bug of the
 * engine, and fails that one execution with a clear error.
 */
export const TASK_RUN_MOVES: Moves = {
  // RESTARTED: in a copy, what had not ended in its source.
  CREATED: ['SUBMITTED', 'RUNNING', 'RESTARTED', 'BREAKPOINT', ...ENDED],
  QUEUED: [],
  // RUNNING when a worker claimed the job. FAILED, KILLED, CANCELLED: forced by a parent that ended, or a kill.
  SUBMITTED: ['RUNNING', ...ENDED],
  // SUBMITTED again when its worker was lost and the job is given to another.
  RUNNING: ['SUBMITTED', 'PAUSED', 'KILLING', 'RETRIED', ...ENDED],
  PAUSED: ['RUNNING', 'RESTARTED', 'KILLING', ...ENDED],
  RESTARTED: ['RUNNING', 'SUBMITTED', ...ENDED],
  KILLING: ['KILLED', 'SUCCESS', 'WARNING', 'FAILED', 'CANCELLED'],
  RETRYING: ['CREATED', 'KILLED', 'FAILED', 'CANCELLED', 'WARNING', 'SUCCESS'],
  RETRIED: ['RESTARTED', 'RUNNING', ...ENDED],
  BREAKPOINT: ['CREATED', ...ENDED],
  SUCCESS: afterEnd('SUCCESS'),
  WARNING: afterEnd('WARNING'),
  FAILED: afterEnd('FAILED', 'RETRYING', 'RETRIED'),
  KILLED: afterEnd('KILLED'),
  CANCELLED: afterEnd('CANCELLED'),
  SKIPPED: afterEnd('SKIPPED'),
  RESUBMITTED: [],
};

/** Ends that a person may give to an execution that has ended. */
const GIVEN_ENDS: readonly State[] = ['SUCCESS', 'WARNING', 'FAILED', 'KILLED', 'CANCELLED'];

const afterExecutionEnd = (state: State): readonly State[] => [
  'RESTARTED',
  ...GIVEN_ENDS.filter((other) => other !== state),
];

/** The moves of an execution, refused like those of a task run. */
export const EXECUTION_MOVES: Moves = {
  // RESTARTED: a copy that goes on from one of its task runs.
  CREATED: ['QUEUED', 'RUNNING', 'RESTARTED', 'KILLING', 'SUCCESS', 'WARNING', 'FAILED', 'KILLED', 'CANCELLED'],
  QUEUED: ['RUNNING', 'KILLING', 'KILLED', 'CANCELLED', 'FAILED'],
  SUBMITTED: [],
  RUNNING: [
    'PAUSED',
    'RETRYING',
    'RETRIED',
    'BREAKPOINT',
    'KILLING',
    'SUCCESS',
    'WARNING',
    'FAILED',
    'KILLED',
    'CANCELLED',
  ],
  // RETRYING, BREAKPOINT: the last paused task run went on while others wait for something else.
  PAUSED: [
    'RUNNING',
    'RESTARTED',
    'RETRIED',
    'RETRYING',
    'BREAKPOINT',
    'KILLING',
    'SUCCESS',
    'WARNING',
    'FAILED',
    'CANCELLED',
  ],
  RESTARTED: ['RUNNING', 'RETRYING', 'PAUSED', 'BREAKPOINT', 'KILLING', 'FAILED'],
  KILLING: ['KILLED', 'FAILED', 'CANCELLED'],
  RETRYING: [
    'RUNNING',
    'PAUSED',
    'RETRIED',
    'BREAKPOINT',
    'KILLING',
    'FAILED',
    'WARNING',
    'SUCCESS',
    'KILLED',
    'CANCELLED',
  ],
  RETRIED: afterExecutionEnd('RETRIED'),
  BREAKPOINT: ['RUNNING', 'PAUSED', 'RETRYING', 'RETRIED', 'KILLING', 'FAILED'],
  SUCCESS: afterExecutionEnd('SUCCESS'),
  WARNING: afterExecutionEnd('WARNING'),
  FAILED: afterExecutionEnd('FAILED'),
  KILLED: afterExecutionEnd('KILLED'),
  CANCELLED: afterExecutionEnd('CANCELLED'),
  SKIPPED: [],
  RESUBMITTED: [],
};

/** One entry of a state's history. */
export interface StateChange {
  readonly state: State;
  /** Milliseconds since the epoch. */
  readonly date: number;
}
