/** Timer of an execution that waits for its date. */
export const START = 'start';
/** Timer of a RETRIED execution: another one takes its place then. */
export const RETRY = 'retry-execution';
