import { readFileSync, readdirSync, statSync, type Stats } from 'node:fs';
import { extname, join, resolve } from 'node:path';
import { formatFault, inputId, parseFlow, type Finding } from '@millrace/flow';
import type { FlowName } from './client/client.js';
import type { CommandContext } from './context.js';
import { CommandFailure, EXIT } from './exit-code.js';
import { installedTaskTypes } from './plugins.js';

/** A flow that was read from a file and found valid. */
export interface FlowFile {
  readonly name: FlowName;
  /** Names of the inputs that it declares. */
  readonly inputs: readonly string[];
  /** As it is written. */
  readonly source: string;
}

/** What is wrong with a file, each finding as text with place and source line. */
export interface FlowFindings {
  readonly name?: FlowName;
  readonly inputs: readonly string[];
  readonly source: string;
  readonly faults: readonly string[];
  readonly warnings: readonly string[];
}

const FLOW_EXTENSIONS: ReadonlySet<string> = new Set(['.yml', '.yaml']);
/** Bytes of a file that is read at all; the parser has its own, smaller limit. */
const FILE_BYTES_MAX = 16 * 1024 * 1024;
/** Files of one call. */
const FILES_MAX = 10_000;

/** The files named by `paths`, as written; of folders the .yml and .yaml files at any depth, sorted. */
export function flowFilesOf(paths: readonly string[], { workingDirectory }: CommandContext): readonly string[] {
  const files = paths.flatMap((path) => {
    const status = statOf(resolve(workingDirectory, path), path);
    if (!status.isDirectory()) return [path];
    const found = readdirSync(resolve(workingDirectory, path), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && FLOW_EXTENSIONS.has(extname(entry.name)))
      .map((entry) => join(path, entry.parentPath.slice(resolve(workingDirectory, path).length), entry.name))
      .filter((file) => !file.split(/[/\\]/).includes('node_modules'));
    if (found.length === 0) throw new CommandFailure(EXIT.usage, `There is no .yml or .yaml file in '${path}'`);
    return found.sort();
  });
  if (files.length > FILES_MAX) throw new CommandFailure(EXIT.usage, `More than ${FILES_MAX} files: name fewer`);
  return files;
}

/** Checks one file offline, against the task types that ship with the product. */
export function validateFlowFile(file: string, { workingDirectory }: CommandContext): FlowFindings {
  const path = resolve(workingDirectory, file);
  if (statOf(path, file).size > FILE_BYTES_MAX) throw new CommandFailure(EXIT.usage, `'${file}' is larger than 16 MiB`);
  const source = readFileSync(path, 'utf8');
  const { definition, faults, warnings } = parseFlow(source, { catalog: installedTaskTypes().catalog });
  const text = (finding: Finding): string => formatFault(finding, { file, source });
  return {
    source,
    inputs: (definition?.inputs ?? []).map(inputId),
    ...(definition ? { name: { namespace: definition.namespace, id: definition.id } } : {}),
    faults: faults.map(text),
    warnings: warnings.map((warning) => text({ ...warning, message: `warning: ${warning.message}` })),
  };
}

/**
 * Checks one file and answers it.
 * @throws CommandFailure 2 with every fault when it is not valid
 */
export function checkFlowFile(file: string, context: CommandContext): FlowFile {
  const { name, inputs, source, faults } = validateFlowFile(file, context);
  if (name === undefined || faults.length > 0) {
    throw new CommandFailure(EXIT.usage, [`The flow is not valid`, ...faults].join('\n'));
  }
  return { name, inputs, source };
}

function statOf(path: string, written: string): Stats {
  try {
    return statSync(path);
  } catch (error) {
    throw new CommandFailure(EXIT.usage, `There is no file or folder '${written}'`, { cause: error });
  }
}
