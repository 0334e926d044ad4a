import { nearestName } from '@millrace/model';
import { createWriteStream, openAsBlob, statSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ExecutionAnswer } from '../client/answers.js';
import type { Client, StartOptions } from '../client/client.js';
import { findServer, type ServerChoice } from '../connect.js';
import type { CommandContext } from '../context.js';
import { CommandFailure, EXIT, type ExitCode } from '../exit-code.js';
import { fileFailure, makeFolder } from '../files.js';
import { checkFlowFile, type FlowFile } from '../flow-file.js';
import { followExecution } from '../follow.js';
import { interruptible } from '../interruption.js';
import { paintFor } from '../output/colour.js';
import { summaryLines, writtenFiles, type WrittenFile } from '../output/summary.js';

export interface RunFlags extends ServerChoice {
  readonly input?: readonly string[];
  readonly file?: readonly string[];
  readonly label?: readonly string[];
  readonly output?: string;
  readonly wait: boolean;
  readonly json?: boolean;
}

/** `millrace run`: save, start, follow, report. */
export async function runFlow(file: string, flags: RunFlags, context: CommandContext): Promise<number> {
  const values = await givenValues(flags, context);
  const flow = checkFlowFile(file, context);
  checkDeclared(values, flow);
  const running = await findServer(flags, context);
  if (running) return runOn(running, flow, { flags, context, values });
  if (!flags.wait) {
    throw new CommandFailure(
      EXIT.usage,
      'No server runs on the data folder, and --no-wait would end the one of this run with it: start a server first, or leave out --no-wait',
    );
  }
  return runOnOwnServer(flow, { flags, context, values });
}

const STOPPING =
  'Stopping; the execution goes on at the next start of a server on this data folder; press Ctrl+C again to end now';

async function runOnOwnServer(flow: FlowFile, run: Run): Promise<number> {
  const { flags, context } = run;
  const work = async (signal: AbortSignal): Promise<number> => {
    // Loaded only here: a server is much more code than a request to one.
    const { startTemporaryServer } = await import('../temporary-server.js');
    const server = await startTemporaryServer(flags, context);
    try {
      if (signal.aborted) throw new CommandFailure(EXIT.interrupted, 'Stopped before the flow was started');
      return await runOn(server.client, flow, { ...run, interrupted: signal });
    } finally {
      await server.stop();
    }
  };
  return interruptible(context, work, (count) => {
    if (count === 1) context.stderr.write(`${STOPPING}\n`);
    else context.exitNow(EXIT.interrupted);
  });
}

type GivenValues = Pick<StartOptions, 'inputs' | 'files' | 'labels'>;

interface Run {
  readonly flags: RunFlags;
  readonly context: CommandContext;
  readonly values: GivenValues;
  /** Ends following when the server is this command's own; else following listens for itself. */
  readonly interrupted?: AbortSignal;
}

async function runOn(client: Client, { name, source }: FlowFile, run: Run): Promise<number> {
  const { flags, context, values, interrupted } = run;
  const { stdout } = context;
  const paint = paintFor(stdout, context.environment);
  const saved = await client.saveFlow(name, source);
  const started = await client.startExecution({ ...name, ...values, revision: saved.revision });
  const say = (lines: readonly string[]): void => {
    if (!flags.json) for (const line of lines) stdout.write(`${line}\n`);
  };
  say([`${paint('bold', `${name.namespace}.${name.id}`)} revision ${saved.revision}, execution ${started.id}`]);
  if (!flags.wait) {
    if (flags.json) stdout.write(`${JSON.stringify(started)}\n`);
    return EXIT.ok;
  }
  const following = { context, paint, say };
  const ended = interrupted
    ? await followExecution(client, started.id, {
        ...following,
        signal: interrupted,
        stoppedText: `Stopped; the execution ${started.id} goes on at the next start of a server on this data folder`,
      })
    : await interruptible(context, (signal) =>
        followExecution(client, started.id, {
          ...following,
          signal,
          stoppedText: `Stopped following; the execution ${started.id} goes on as long as its server does`,
        }),
      );
  const files = writtenFiles(ended);
  if (flags.json) stdout.write(`${JSON.stringify(ended)}\n`);
  else say(summaryLines(ended, await sizesOf(client, ended.id, files), paint));
  if (flags.output !== undefined)
    await saveFiles(client, ended.id, files, resolve(context.workingDirectory, flags.output));
  return exitCodeOf(ended);
}

function exitCodeOf({ state }: ExecutionAnswer): ExitCode {
  return state.current === 'SUCCESS' || state.current === 'WARNING' ? EXIT.ok : EXIT.failed;
}

// ── what the flags give ──────────────────────────────────────────────────────────────────────────────────────────────

async function givenValues(
  { input, file, label }: RunFlags,
  { workingDirectory }: CommandContext,
): Promise<GivenValues> {
  const files = Object.entries(pairs(file ?? [], '--file')).map(async ([name, path]) => {
    const content = await openFile(resolve(workingDirectory, path), path);
    return [name, { name: basename(path), content }] as const;
  });
  return {
    inputs: pairs(input ?? [], '--input'),
    files: Object.fromEntries(await Promise.all(files)),
    labels: pairs(label ?? [], '--label'),
  };
}

/** The server would ignore values that the flow does not ask for. @throws CommandFailure 2 */
function checkDeclared(values: GivenValues, { inputs }: FlowFile): void {
  for (const name of [...Object.keys(values.inputs), ...Object.keys(values.files)]) {
    if (inputs.includes(name)) continue;
    const nearest = nearestName(name, inputs);
    const has = inputs.length === 0 ? '; it has none' : `; it has ${inputs.map((one) => `'${one}'`).join(', ')}`;
    const hint = nearest === undefined ? has : `: did you mean '${nearest}'?`;
    throw new CommandFailure(EXIT.usage, `The flow has no input '${name}'${hint}`);
  }
}

/** `name=value` pairs; the value may hold further `=`. */
function pairs(texts: readonly string[], flag: string): Readonly<Record<string, string>> {
  const entries = texts.map((text) => {
    const equals = text.indexOf('=');
    if (equals < 1) throw new CommandFailure(EXIT.usage, `${flag} wants name=value, but got '${text}'`);
    return [text.slice(0, equals), text.slice(equals + 1)] as const;
  });
  return Object.fromEntries(entries);
}

/** The file is read while it is sent, so its size does not matter. */
async function openFile(path: string, written: string): Promise<Blob> {
  try {
    if (statSync(path).isFile()) return await openAsBlob(path);
  } catch (error) {
    throw new CommandFailure(EXIT.usage, `Cannot read the file '${written}': ${fileFailure(error)}`, { cause: error });
  }
  throw new CommandFailure(EXIT.usage, `'${written}' is not a file`);
}

// ── files ────────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Files whose sizes are asked for; the list of more is not read by anybody. */
const SIZES_MAX = 50;

async function sizesOf(
  client: Client,
  executionId: string,
  files: readonly WrittenFile[],
): Promise<ReadonlyMap<string, number>> {
  const sizes = new Map<string, number>();
  for (const { uri } of files.slice(0, SIZES_MAX)) sizes.set(uri, await client.fileSize(executionId, uri));
  return sizes;
}

async function saveFiles(
  client: Client,
  executionId: string,
  files: readonly WrittenFile[],
  folder: string,
): Promise<void> {
  for (const { taskRun, name, uri } of files) {
    const directory = join(folder, fileName(taskRun));
    makeFolder(directory);
    const content = await client.file(executionId, uri);
    await pipeline(Readable.from(content), createWriteStream(join(directory, fileName(name))));
  }
}

/** A name that cannot leave its folder. */
const fileName = (name: string): string => {
  const safe = name.replace(/[/\\:\u0000-\u001f]/g, '_');
  return /^\.*$/.test(safe) ? `_${safe}` : safe;
};
