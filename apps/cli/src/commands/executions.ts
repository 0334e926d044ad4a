import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ExecutionAnswer } from '../client/answers.js';
import { ServerRefusal } from '../client/http.js';
import { connect, type ServerChoice } from '../connect.js';
import type { CommandContext } from '../context.js';
import { EXIT } from '../exit-code.js';
import { interruptible } from '../interruption.js';
import { paintFor } from '../output/colour.js';
import { inOrder, type TimedLine } from '../output/ordered-lines.js';
import { createProgress } from '../output/progress.js';
import { durationText } from '../output/quantities.js';
import { summaryLines } from '../output/summary.js';
import { tableLines } from '../output/table.js';

export interface ExecutionListFlags extends ServerChoice {
  readonly namespace?: string;
  readonly flow?: string;
  readonly state?: readonly string[];
  readonly size: number;
  readonly json?: boolean;
}

export interface ExecutionShowFlags extends ServerChoice {
  readonly json?: boolean;
}

export interface ExecutionLogFlags extends ServerChoice {
  readonly follow?: boolean;
  readonly task?: string;
  readonly level?: string;
}

/** `millrace executions list`. */
export async function listExecutions(flags: ExecutionListFlags, context: CommandContext): Promise<number> {
  const { namespace, flow, state, size, json } = flags;
  const client = await connect(flags, context);
  const page = await client.searchExecutions({
    size,
    ...(namespace === undefined ? {} : { namespace }),
    ...(flow === undefined ? {} : { flowId: flow }),
    ...(state === undefined ? {} : { states: state.map((one) => one.toUpperCase()) }),
  });
  if (json) {
    context.stdout.write(`${JSON.stringify(page.results)}\n`);
    return EXIT.ok;
  }
  for (const line of tableLines(['ID', 'STATE', 'STARTED', 'TOOK', 'FLOW'], page.results.map(executionRow))) {
    context.stdout.write(`${line}\n`);
  }
  if (page.total > page.results.length)
    context.stdout.write(`${page.results.length} of ${page.total}; --size shows more\n`);
  return EXIT.ok;
}

function executionRow({ id, namespace, flowId, state }: ExecutionAnswer): readonly string[] {
  const start = state.startDate ?? state.histories[0]?.date;
  const took = start && state.endDate ? durationText(Date.parse(state.endDate) - Date.parse(start)) : '';
  return [id, state.current, start ?? '', took, `${namespace}.${flowId}`];
}

/** `millrace executions get`. */
export async function showExecution(id: string, flags: ExecutionShowFlags, context: CommandContext): Promise<number> {
  const client = await connect(flags, context);
  const execution = await client.execution(id);
  const paint = paintFor(context.stdout, context.environment);
  const progress = createProgress(paint);
  const lines = flags.json
    ? [JSON.stringify(execution)]
    : [...inOrder(progress.execution(execution), progress.places), ...summaryLines(execution, new Map(), paint)];
  for (const line of lines) context.stdout.write(`${line}\n`);
  return EXIT.ok;
}

/** `millrace executions logs`. */
export async function printLogs(id: string, flags: ExecutionLogFlags, context: CommandContext): Promise<number> {
  const client = await connect(flags, context);
  const progress = createProgress(paintFor(context.stdout, context.environment));
  const isAsked = ({ taskId }: { readonly taskId?: string }): boolean =>
    flags.task === undefined || taskId === flags.task;
  const print = (lines: readonly TimedLine[]): void =>
    lines.forEach((line) => context.stdout.write(`${line.text()}\n`));
  progress.execution(await client.execution(id)); // names of loop values
  const minLevel = flags.level === undefined ? {} : { minLevel: flags.level };
  if (flags.follow) {
    return interruptible(context, async (signal) => {
      try {
        for await (const entry of client.followLogs(id, signal, minLevel))
          if (isAsked(entry)) print(progress.log(entry));
      } catch (error) {
        if (!signal.aborted) throw error;
        return EXIT.interrupted;
      }
      return EXIT.ok;
    });
  }
  const taskId = flags.task === undefined ? {} : { taskId: flags.task };
  for (const entry of await client.logs(id, { ...minLevel, ...taskId })) print(progress.log(entry));
  return EXIT.ok;
}

/** `millrace executions file`. */
export async function printFile(
  id: string,
  uri: string,
  choice: ServerChoice,
  context: CommandContext,
): Promise<number> {
  const client = await connect(choice, context);
  const content = await client.file(id, uri);
  await pipeline(Readable.from(content), context.stdout, { end: false });
  return EXIT.ok;
}

/** `millrace executions kill`: one that has ended already is said and does not stop the others. */
export async function killExecutions(
  ids: readonly string[],
  choice: ServerChoice,
  context: CommandContext,
): Promise<number> {
  const client = await connect(choice, context);
  let code: number = EXIT.ok;
  for (const id of ids) {
    try {
      await client.killExecution(id);
      context.stdout.write(`${id} is being killed\n`);
    } catch (error) {
      if (!(error instanceof ServerRefusal)) throw error;
      context.stderr.write(`${id}: ${error.message}\n`);
      code = EXIT.failed;
    }
  }
  return code;
}
