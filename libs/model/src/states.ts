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

/**
 * The moves of a task run. A move that is not here is refused, in tests and in production: it would be a bug of the
 * engine, and fails that one execution with a clear error.
 */
export const TASK_RUN_MOVES: Moves = {
  CREATED: ['SUBMITTED', 'RUNNING', ...ENDED],
  QUEUED: [],
  // RUNNING when a worker claimed the job. FAILED, KILLED, CANCELLED: forced by a parent that ended, or a kill.
  SUBMITTED: ['RUNNING', ...ENDED],
  // SUBMITTED again when its worker was lost and the job is given to another.
  RUNNING: ['SUBMITTED', 'PAUSED', 'KILLING', 'RETRIED', ...ENDED],
  PAUSED: ['RUNNING', 'KILLING', ...ENDED],
  RESTARTED: ['RUNNING', 'SUBMITTED', ...ENDED],
  KILLING: ['KILLED', 'SUCCESS', 'WARNING', 'FAILED', 'CANCELLED'],
  RETRYING: ['CREATED', 'KILLED', 'FAILED', 'CANCELLED', 'WARNING', 'SUCCESS'],
  RETRIED: [],
  BREAKPOINT: ['CREATED', 'KILLED'],
  SUCCESS: [],
  WARNING: [],
  FAILED: ['RETRYING', 'RETRIED'],
  KILLED: [],
  CANCELLED: [],
  SKIPPED: [],
  RESUBMITTED: [],
};

/** The moves of an execution, refused like those of a task run. */
export const EXECUTION_MOVES: Moves = {
  CREATED: ['QUEUED', 'RUNNING', 'KILLING', 'SUCCESS', 'WARNING', 'FAILED', 'KILLED', 'CANCELLED'],
  QUEUED: ['RUNNING', 'KILLED', 'CANCELLED', 'FAILED'],
  SUBMITTED: [],
  RUNNING: ['PAUSED', 'RETRYING', 'RETRIED', 'KILLING', 'SUCCESS', 'WARNING', 'FAILED', 'KILLED', 'CANCELLED'],
  // RETRYING: the last paused task run went on while others wait for a retry.
  PAUSED: ['RUNNING', 'RESTARTED', 'RETRYING', 'KILLING', 'SUCCESS', 'WARNING', 'FAILED', 'CANCELLED'],
  RESTARTED: ['RUNNING', 'RETRYING', 'KILLING', 'FAILED'],
  KILLING: ['KILLED', 'FAILED', 'CANCELLED'],
  RETRYING: ['RUNNING', 'PAUSED', 'KILLING', 'FAILED', 'WARNING', 'SUCCESS', 'KILLED', 'CANCELLED'],
  RETRIED: [],
  BREAKPOINT: ['RUNNING', 'KILLING'],
  SUCCESS: [],
  WARNING: [],
  FAILED: [],
  KILLED: [],
  CANCELLED: [],
  SKIPPED: [],
  RESUBMITTED: [],
};

/** One entry of a state's history. */
export interface StateChange {
  readonly state: State;
  /** Milliseconds since the epoch. */
  readonly date: number;
}
