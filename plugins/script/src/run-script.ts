import { mkdir, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { Readable } from 'node:stream';
import {
  storeOutputFiles,
  TaskFailure,
  writeInputFiles,
  writeNamespaceFiles,
  type TaskContext,
  type TaskResult,
} from '@millrace/plugin-api';
import { createLineSplitter } from './lines.js';
import { createOutputProtocol } from './output-protocol.js';
import { needProgram } from './programs.js';
import type { ProcessProperties } from './properties.js';
import { checkRunner } from './runner.js';
import { createOwnRendering, type OwnRendering } from './rendered-here.js';
import { startProcess } from './supervised-process.js';

/** The folders of one attempt. The script itself lies outside the working directory, where no output pattern finds it. */
interface Folders {
  readonly workingDirectory: string;
  readonly outputDirectory: string;
  readonly scriptDirectory: string;
}

/** What a kind of script makes of its own properties. */
export interface ScriptText {
  /** The commands of the shell; `writeScript` stores a script and answers its path. */
  (tools: {
    readonly rendering: OwnRendering;
    readonly environment: Readonly<Record<string, string>>;
    writeScript(name: string, text: string): Promise<string>;
  }): Promise<readonly string[]>;
}

/** A longer argument is refused by the system. */
const ARGUMENT_BYTES_MAX = 96 * 1024;

/**
 * Runs commands in a process group of their own: input files before, log and outputs while it runs, output files after.
 * @throws TaskFailure when the process ends with a code other than 0
 */
export async function runScript(
  properties: ProcessProperties,
  context: TaskContext,
  text: ScriptText,
): Promise<TaskResult> {
  checkRunner(properties);
  const folders = await makeFolders(context);
  const { workingDirectory, outputDirectory, scriptDirectory } = folders;
  const rendering = createOwnRendering(context, { workingDir: workingDirectory, outputDir: outputDirectory });
  await writeNamespaceFiles(workingDirectory, properties.namespaceFiles, context);
  await writeInputFiles(workingDirectory, await rendering.map('inputFiles', properties.inputFiles), context.files);
  const environment = { ...ownEnvironment(folders), ...(await rendering.map('env', properties.env)) };
  const writeScript = async (name: string, script: string): Promise<string> => {
    const path = join(scriptDirectory, name);
    await writeFile(path, script, { mode: 0o600 });
    return path;
  };
  const commands = [
    ...(await rendering.lines('beforeCommands', properties.beforeCommands)),
    ...(await text({ rendering, environment, writeScript })),
  ];
  const shellText = [...((properties.failFast ?? true) ? ['set -e'] : []), ...commands].join('\n');
  const command = await commandLine(properties.interpreter ?? ['/bin/sh', '-c'], shellText, environment, writeScript);
  const ended = await runProcess(command, folders, environment, context);
  if (ended.exitCode !== 0) throw new TaskFailure(failureOf(ended.exitCode), { ...ended, outputFiles: {} });
  const patterns = await rendering.lines('outputFiles', properties.outputFiles);
  return { outputs: { ...ended, outputFiles: await storeOutputFiles(folders, patterns, context) } };
}

async function makeFolders({ files }: TaskContext): Promise<Folders> {
  const top = await files.temporaryDirectory();
  const [outputDirectory, scriptDirectory] = [join(top, 'output'), join(top, 'script')];
  for (const folder of [outputDirectory, scriptDirectory]) await mkdir(folder, { mode: 0o700 });
  return { workingDirectory: await files.workingDirectory(), outputDirectory, scriptDirectory };
}

/** Nothing else of the worker's environment: it may hold secrets. */
function ownEnvironment({ workingDirectory, outputDirectory }: Folders): Readonly<Record<string, string>> {
  return {
    PATH: process.env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin',
    HOME: process.env['HOME'] ?? homedir(),
    LANG: process.env['LANG'] ?? 'C.UTF-8',
    TMPDIR: process.env['TMPDIR'] ?? tmpdir(),
    WORKING_DIR: workingDirectory,
    OUTPUT_DIR: outputDirectory,
  };
}

async function commandLine(
  interpreter: readonly string[],
  text: string,
  environment: Readonly<Record<string, string>>,
  writeScript: (name: string, text: string) => Promise<string>,
): Promise<readonly string[]> {
  const [program = '/bin/sh', ...rest] = interpreter;
  const path = await needProgram([program], environment['PATH'] ?? '');
  if (text.includes('\0')) throw new TaskFailure('The commands contain a NUL character');
  if (Buffer.byteLength(text) <= ARGUMENT_BYTES_MAX) return [path, ...rest, text];
  if (!basename(program).endsWith('sh')) {
    throw new TaskFailure(
      `The commands are longer than ${ARGUMENT_BYTES_MAX} bytes, which ${program} cannot take: put them into an input file`,
    );
  }
  return [path, ...rest, `. ${quoted(await writeScript('commands.sh', text))}`];
}

/** Text as one word of a shell. */
export const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

function failureOf(exitCode: number): string {
  if (exitCode === 127) return 'The process ended with exit code 127: a command was not found; its name is in the log';
  const signal = exitCode > 128 && exitCode < 160 ? ` (ended by signal ${exitCode - 128})` : '';
  return `The process ended with exit code ${exitCode}${signal}`;
}

interface Ended {
  readonly exitCode: number;
  readonly vars: Readonly<Record<string, unknown>>;
  readonly stdOutLineCount: number;
  readonly stdErrLineCount: number;
}

async function runProcess(
  command: readonly string[],
  { workingDirectory }: Folders,
  environment: Readonly<Record<string, string>>,
  context: TaskContext,
): Promise<Ended> {
  const broken = new AbortController();
  const signal = AbortSignal.any([context.signal, broken.signal]);
  const started = await startProcess({ command, workingDirectory, environment, signal });
  const protocol = createOutputProtocol(context);
  const follow = async (stream: Readable, onLine: (line: string) => void): Promise<number> => {
    try {
      return await readLines(stream, onLine, context);
    } catch (error) {
      // The process must not go on when its output cannot be taken.
      broken.abort(error);
      throw error;
    }
  };
  const [stdOut, stdErr, exitCode] = await Promise.allSettled([
    follow(started.stdout, (line) => {
      if (!protocol.take(line)) context.log.write('INFO', line);
    }),
    follow(started.stderr, (line) => context.log.write('ERROR', line)),
    started.exitCode,
  ]);
  context.signal.throwIfAborted();
  return {
    stdOutLineCount: settled(stdOut),
    stdErrLineCount: settled(stdErr),
    exitCode: settled(exitCode),
    vars: protocol.vars,
  };
}

function settled<Value>(result: PromiseSettledResult<Value>): Value {
  if (result.status === 'fulfilled') return result.value;
  throw result.reason;
}

/** Reads no faster than the log takes the lines, so a flood waits in the process and not in the worker's memory. */
async function readLines(stream: Readable, onLine: (line: string) => void, { log }: TaskContext): Promise<number> {
  const splitter = createLineSplitter();
  let count = 0;
  const take = (lines: readonly string[]): void => {
    count += lines.length;
    lines.forEach(onLine);
  };
  try {
    for await (const chunk of stream) {
      take(splitter.push(Buffer.from(chunk)));
      await log.ready();
    }
  } catch (error) {
    // Closed although a process that left the group still holds it: what was read counts.
    if (!(
      typeof error === 'object' &&
      error !== null &&
      'code' in error &&
      error.code === 'ERR_STREAM_PREMATURE_CLOSE'
    ))
      throw error;
  }
  take(splitter.end());
  return count;
}
