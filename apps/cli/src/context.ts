import type { Writable } from 'node:stream';
import type { Clock } from '@millrace/model';
import type { Environment, SignalSource } from '@millrace/service';
import type { BrokenRule } from './adapters.js';

/** Where a command writes; a terminal says so. */
export type Output = Writable & { readonly isTTY?: boolean | undefined; readonly columns?: number | undefined };

/** What a command gets of the process that it runs in, so that tests can give their own. */
export interface CommandContext {
  /** Results. */
  readonly stdout: Output;
  /** Everything said on the way: progress of a server, errors. */
  readonly stderr: Output;
  readonly environment: Environment;
  readonly workingDirectory: string;
  readonly signals: SignalSource;
  readonly clock: Clock;
  /** Ends the process at once. */
  exitNow(code: number): void;
  /** Only tests set it: the server that is started leaves out a rule. */
  readonly broken?: BrokenRule;
}
