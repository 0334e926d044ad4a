import type { LogLevel } from './flow.js';
import type { PlainObject } from './json.js';
import type { State } from './states.js';

/** What an inline task may use besides its rendered properties: a pure function of both. */
export interface InlineContext {
  readonly executionId: string;
  readonly taskRunId: string;
  readonly taskId: string;
  readonly flowId: string;
  readonly namespace: string;
}

/** A figure that a task publishes. */
export interface PublishedMetric {
  readonly type: 'counter' | 'timer' | 'gauge';
  readonly name: string;
  /** Timers in milliseconds. */
  readonly value: number;
  readonly tags?: Readonly<Record<string, string>>;
}

/** How an inline task ended. */
export interface InlineResult {
  readonly outputs?: PlainObject;
  /** Absent: SUCCESS. */
  readonly state?: Extract<State, 'SUCCESS' | 'WARNING' | 'FAILED'>;
  readonly logs?: readonly { readonly level: LogLevel; readonly message: string }[];
  readonly metrics?: readonly PublishedMetric[];
  /** Why it failed; state FAILED. */
  readonly error?: string;
}
