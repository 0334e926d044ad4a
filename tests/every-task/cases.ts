import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isPlainObject, type FlowSource, type PlainObject } from '@millrace/model';
import { parse, parseAllDocuments } from 'yaml';

const FOLDER = 'tests/every-task/cases';

/** What is expected of the task runs of one task, which all must be as it says. */
export interface ExpectedRuns {
  readonly state?: string;
  /** How many there are; default one or more. */
  readonly runs?: number;
  readonly attempts?: number;
  /**
   * Outputs that are named here, compared as a whole each. A text between slashes is a regular expression that the value,
   * as text or JSON, must match.
   */
  readonly outputs?: PlainObject;
}

/** A flow that is run on the started product, and what must come of it. */
export interface TaskCase {
  readonly name: string;
  readonly file: string;
  /** Saved before; the last one is run. */
  readonly flows: readonly string[];
  readonly inputs: Readonly<Record<string, string>>;
  readonly state: string;
  readonly tasks: Readonly<Record<string, ExpectedRuns>>;
  /** Regular expressions, each of which must match a line `LEVEL task: message` of the log. */
  readonly logs: readonly string[];
  /** Regular expressions that no line of the log may match. */
  readonly noLogs: readonly string[];
  /** Names of metrics that must have been published. */
  readonly metrics: readonly string[];
}

const list = (value: unknown): readonly string[] => (Array.isArray(value) ? value.map(String) : []);

/** Every case of the folder `cases`: documents with `case`, `flow` or `flows`, `inputs`, `expect`. */
export async function readCases(): Promise<readonly TaskCase[]> {
  const files = (await readdir(FOLDER)).filter((name) => name.endsWith('.yml')).sort();
  const cases = await Promise.all(files.map(async (file) => casesOf(file, await readFile(join(FOLDER, file), 'utf8'))));
  return cases.flat();
}

function casesOf(file: string, text: string): TaskCase[] {
  return parseAllDocuments(text, { uniqueKeys: true }).map((document) => {
    const written: unknown = document.toJS();
    if (document.errors[0] || !isPlainObject(written)) throw new Error(`${file}: ${document.errors[0]?.message}`);
    const expected = isPlainObject(written['expect']) ? written['expect'] : {};
    const flows = list(written['flows'] ?? [written['flow']]);
    if (typeof written['case'] !== 'string' || flows.length === 0)
      throw new Error(`${file}: a case needs case and flow`);
    return {
      name: written['case'],
      file,
      flows,
      inputs: (written['inputs'] ?? {}) as Readonly<Record<string, string>>,
      state: String(expected['state'] ?? 'SUCCESS'),
      tasks: (expected['tasks'] ?? {}) as Readonly<Record<string, ExpectedRuns>>,
      logs: list(expected['logs']),
      noLogs: list(expected['noLogs']),
      metrics: list(expected['metrics']),
    };
  });
}

/** The flow as it was written; whether it is a good one is found out when it is saved. */
export function definitionOf(yaml: string): FlowSource {
  const definition: unknown = parse(yaml, { merge: true });
  if (!isFlow(definition)) throw new Error(`This is no flow:\n${yaml}`);
  return definition;
}

const isFlow = (value: unknown): value is FlowSource => isPlainObject(value) && Array.isArray(value['tasks']);
