import type { Static, TSchema } from '@sinclair/typebox';
import type {
  InlineContext,
  InlineResult,
  PublishedMetric,
  LogLevel,
  PlainObject,
  State,
  TaskDefinition,
  TaskTypeDescription,
} from '@millrace/model';
import type { TaskServices } from './services/index.js';

/** Writes a line into the task run's log. Lines below the task's level are dropped. */
export interface TaskLog {
  write(level: LogLevel, message: string): void;
  /**
   * Resolves when there is room for more lines. A task that may write many (a script's output) awaits it before it
   * reads on, so that a flood slows the task down instead of filling the worker's memory.
   */
  ready(): Promise<void>;
}

/** A file in internal storage, or in a task's working directory. */
export interface TaskFiles {
  /**
   * The attempt's working directory; made at the first call, removed when the attempt has ended. The tasks of a
   * WorkingDirectory share one.
   */
  workingDirectory(): Promise<string>;
  /** A directory for this attempt alone, outside of the working directory; removed when the attempt has ended. */
  temporaryDirectory(): Promise<string>;
  /**
   * Opens a file for reading.
   * @param uri `kestra:///…`, only of files that belong to this execution or its namespace; `nsfile:///path` (or
   * `nsfile://namespace/path`) of namespace files; `file:///…` of files of the worker that its configuration allows
   */
  read(uri: string): Promise<NodeJS.ReadableStream>;
  /** Bytes of a file that could be read. @throws an error with a sentence when it is not there */
  size(uri: string): Promise<number>;
  /** Removes a file that could be read; false when it was not there. */
  remove(uri: string): Promise<boolean>;
  /** Stores a file of this task run; `name` may have folders (`reports/may.csv`). Answers its `kestra:///…` URI. */
  store(name: string, content: NodeJS.ReadableStream | Uint8Array | string): Promise<string>;
}

/** The files of namespaces, their newest versions. Read only. */
export interface NamespaceFileReader {
  /** All files of a namespace by path, without a leading slash, sorted. */
  list(namespace: string): Promise<readonly { readonly path: string; readonly version?: number }[]>;
  /** @param version without it the newest. @throws an error with a sentence when there is no such file */
  read(namespace: string, path: string, version?: number): Promise<NodeJS.ReadableStream>;
}

/** What a running task gets besides its properties. */
export interface TaskContext {
  readonly tenant: string;
  readonly namespace: string;
  readonly flowId: string;
  readonly executionId: string;
  readonly taskId: string;
  readonly taskRunId: string;
  /** 1 for the first. */
  readonly attempt: number;
  /** The loop value of the task run. */
  readonly value?: string;
  /** Aborted when the attempt is killed, times out or its worker must stop: stop at once and reject. */
  readonly signal: AbortSignal;
  readonly log: TaskLog;
  readonly files: TaskFiles;
  /** Renders text that was not a property (files, for example) with the task run's variables and `extra` ones. */
  render(text: string, extra?: PlainObject): Promise<string>;
  metric(metric: PublishedMetric): void;
  readonly namespaceFiles: NamespaceFileReader;
  readonly services: TaskServices;
  /**
   * Runs another task in place of this one: its properties are rendered and checked as its own. Any type that a worker
   * runs. @throws TaskFailure for an unknown type or wrong properties; whatever the task throws
   */
  runTask(definition: TaskDefinition): Promise<TaskResult>;
  /**
   * Encrypts a text with the key of the installation: what outputs may hold without showing it.
   * @throws TaskFailure when no key is configured
   */
  encrypt(text: string): Promise<PlainObject>;
}

/** How a task ended when it did not throw. */
export interface TaskResult {
  readonly outputs?: PlainObject;
  /** Absent: SUCCESS. */
  readonly state?: Extract<State, 'SUCCESS' | 'WARNING' | 'FAILED'>;
}

/** A task failed for a reason that its user can understand; the message goes to the task run's log as it is. */
export class TaskFailure extends Error {
  override readonly name = 'TaskFailure';
  constructor(
    message: string,
    /** Outputs that are kept although the task failed (an exit code, for example). */
    readonly outputs?: PlainObject,
    cause?: unknown,
  ) {
    super(message, { cause });
  }
}

/**
 * A task type. `inline` ones are pure and are decided by the executor without a trip to a worker; the others `run` on a
 * worker. `Schema` is the schema of the whole task, made by `taskSchema`; properties arrive rendered and checked.
 */
export interface TaskType<Schema extends TSchema = TSchema> extends TaskTypeDescription {
  readonly kind: 'runnable';
  readonly schema: Schema;
  readonly inline?: (properties: Static<Schema>, context: InlineContext) => InlineResult;
  readonly run?: (properties: Static<Schema>, context: TaskContext) => Promise<TaskResult>;
  /**
   * Properties that the task renders itself with `context.render`, because their variables are known only while it
   * runs (`workingDir` in a script's commands).
   */
  readonly rendersItself?: readonly string[];
}

/** Checks that a task type can be run, and keeps its property types inside. */
export function defineTask<Schema extends TSchema>(task: TaskType<Schema>): TaskType {
  if (!task.inline === !task.run) throw new Error(`Task type '${task.type}' must have either 'inline' or 'run'`);
  // The properties are checked against `schema` before each call, so the wider type is what callers may hold.
  return task as unknown as TaskType;
}

/** What a function of expressions works with: for one job. */
export type FunctionContext = Pick<TaskContext, 'tenant' | 'namespace' | 'signal' | 'log' | 'files'>;

/**
 * A function of expressions that a plugin brings; it runs on workers. Arguments come by name.
 * @throws Error with a sentence; it becomes the error of the expression
 */
export type ExpressionFunction = (
  args: Readonly<Record<string, unknown>>,
  context: FunctionContext,
) => Promise<unknown>;

/** What a plugin package exports as `plugin`. */
export interface Plugin {
  readonly name: string;
  readonly tasks: readonly TaskType[];
  /** By name; the language knows which names and arguments there are. */
  readonly functions?: Readonly<Record<string, ExpressionFunction>>;
}
