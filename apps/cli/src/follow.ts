import { isTerminal } from '@millrace/model';
import type { ExecutionAnswer, LogAnswer } from './client/answers.js';
import type { Client } from './client/client.js';
import { ServerUnreachable } from './client/http.js';
import type { CommandContext } from './context.js';
import { CommandFailure, EXIT } from './exit-code.js';
import type { Paint } from './output/colour.js';
import { createOrderedLines } from './output/ordered-lines.js';
import { createProgress } from './output/progress.js';

export interface FollowOptions {
  readonly context: CommandContext;
  readonly paint: Paint;
  /** Stops following. */
  readonly signal: AbortSignal;
  /** What is said then. */
  readonly stoppedText: string;
  /** Takes lines as they come. */
  say(lines: readonly string[]): void;
}

/** How often a lost connection is made again before the server counts as unreachable. */
const RECONNECTIONS_MAX = 5;
const RECONNECTION_DELAY_MS = 500;

/**
 * Follows an execution and its log to the end and answers the ended execution. A lost connection is made again.
 *
 * @throws CommandFailure 130 when it was stopped; ServerUnreachable when the server stays away
 */
export async function followExecution(client: Client, id: string, options: FollowOptions): Promise<ExecutionAnswer> {
  const { context, paint, say, signal, stoppedText } = options;
  // Also ended when following ends by itself.
  const logsEnd = new AbortController();
  const progress = createProgress(paint);
  const lines = createOrderedLines({ clock: context.clock, places: progress.places }, say);
  try {
    const logs = followLogs(client, id, AbortSignal.any([signal, logsEnd.signal]), (entry) =>
      lines.add(progress.log(entry)),
    );
    // Its failure is asked for below, after the execution's end.
    logs.catch(() => undefined);
    const ended = await followToEnd(client, id, {
      context,
      signal,
      onChange: (one) => lines.add(progress.execution(one)),
    });
    const isLogWhole = await logs;
    lines.flush();
    if (!isLogWhole) say([`(the connection was lost: 'millrace executions logs ${id}' shows the whole log)`]);
    return ended;
  } catch (error) {
    if (!signal.aborted) throw error;
    throw new CommandFailure(EXIT.interrupted, stoppedText, { cause: error });
  } finally {
    lines.flush();
    logsEnd.abort();
  }
}

interface FollowToEnd {
  readonly context: CommandContext;
  readonly signal: AbortSignal;
  onChange(execution: ExecutionAnswer): void;
}

async function followToEnd(
  client: Client,
  id: string,
  { context, signal, onChange }: FollowToEnd,
): Promise<ExecutionAnswer> {
  for (let lost = 0; ; lost += 1) {
    try {
      for await (const { execution, isEnd } of client.follow(id, signal)) {
        onChange(execution);
        if (isEnd) return execution;
      }
    } catch (error) {
      if (signal.aborted || !(error instanceof ServerUnreachable) || lost >= RECONNECTIONS_MAX) throw error;
    }
    // The stream ended without the last event: the server was stopped, or a proxy cut it.
    await new Promise<void>((resolve) => context.clock.after(RECONNECTION_DELAY_MS, resolve));
    if (lost < RECONNECTIONS_MAX) continue;
    const execution = await client.execution(id);
    if (isTerminal(execution.state.current)) return execution;
    throw new ServerUnreachable(
      `The server ends the connection again and again; the execution ${id} is ${execution.state.current}`,
    );
  }
}

/** Entries as they come. Answers false when the connection was lost before the end. */
async function followLogs(
  client: Client,
  id: string,
  signal: AbortSignal,
  onEntry: (entry: LogAnswer) => void,
): Promise<boolean> {
  try {
    for await (const entry of client.followLogs(id, signal)) onEntry(entry);
    return true;
  } catch (error) {
    if (signal.aborted || !(error instanceof ServerUnreachable)) throw error;
    return false;
  }
}
