import { ExpressionError, referencesOf, renderDeep, renderDeepTyped, type Environment } from '@millrace/expression';
import { isPlainObject, seededRandom, type PlainObject, type TaskDefinition } from '@millrace/model';
import type { ExecutionContext } from './context.js';
import { narrow } from './narrow.js';
import type { FlowPlan, TaskPlan } from './plan.js';
import type { ExecutionView } from './state.js';
import { ExecutionVariables, type Subject } from './variables.js';

/** Texts for people, names, and what the engine itself reads: not given to the task as rendered properties. */
const NOT_RENDERED = new Set([
  'description',
  'version',
  'retry',
  'errors',
  'finally',
  'tasks',
  'runIf',
  'timeout',
  'workerGroup',
]);

/** Of these, what a job needs the variables of: its worker renders them. */
const RENDERED_BY_WORKER = new Set(['runIf', 'timeout']);

const analyses = new WeakMap<object, ReturnType<typeof referencesOf>>();

/** Which variables and functions the properties of a task use; read off once for each task of a revision. */
function analysisOf(properties: PlainObject): ReturnType<typeof referencesOf> {
  let analysis = analyses.get(properties);
  if (!analysis) {
    const read = Object.entries(properties).filter(([name]) => !NOT_RENDERED.has(name) || RENDERED_BY_WORKER.has(name));
    analyses.set(properties, (analysis = referencesOf(Object.fromEntries(read))));
  }
  return analysis;
}

/** True when the executor may render it: nothing in it needs files, secrets, key-values or the network. */
export const isPure = (value: unknown): boolean =>
  isPlainObject(value) ? analysisOf(value).isPure : referencesOf(value).isPure;

/** Whether an expression failed because it reads what only a worker may open. */
export const needsWorker = (error: unknown): boolean =>
  error instanceof ExpressionError && (error.kind === 'encrypted' || error.kind === 'stored');

/** A decision holds up its partition: an expression that needs more than this belongs into a script. */
export const EXPRESSION_LIMITS = { steps: 200_000, outputBytes: 4 * 1024 * 1024 } as const;

/** Renders what the executor may render, for one task run. */
export interface Rendering {
  /** Text of every string inside, as a task's properties are rendered. */
  text(value: unknown): unknown;
  /** A string that is one expression keeps the type of its value. */
  typed(value: unknown): unknown;
  /** What a job for these properties carries. */
  variablesFor(properties: PlainObject): PlainObject;
  /** What defaults and conditions of inputs are rendered with; `inputs` themselves are the resolver's. */
  forInputs(): { readonly variables: PlainObject; readonly environment: Environment };
}

export function rendering(
  view: ExecutionView,
  flow: FlowPlan,
  context: ExecutionContext,
  subject?: Subject,
): Rendering {
  const variables = new ExecutionVariables(view, flow, context.serverVariables, subject);
  const environment: Environment = {
    now: context.now,
    random: seededRandom(`${subject?.run.id ?? view.head.executionId}/${subject?.attempts ?? 0}`),
    timeZone: context.timeZone,
    limits: EXPRESSION_LIMITS,
    // What an executor renders goes into records, which must not hold what somebody has encrypted.
    refusesEncrypted: true,
    ...(context.recursiveRendering === true && { recursive: true }),
  };
  return {
    text: (value) => renderDeep(value, variables, environment),
    typed: (value) => renderDeepTyped(value, variables, environment),
    variablesFor: (properties) => narrow(analysisOf(properties).references, variables),
    forInputs: () => ({
      variables: Object.fromEntries([...variables.names()].map((name) => [name, variables.get(name)])),
      environment: {
        ...environment,
        ...(context.encryptionKey !== undefined && {
          encryption: { key: context.encryptionKey, place: `${view.head.executionId}/${subject?.run.id ?? ''}` },
        }),
      },
    }),
  };
}

/** The properties of a task that are rendered for it. */
export const ownProperties = (task: TaskPlan): PlainObject =>
  Object.fromEntries(
    // A property with nothing behind it is as if it were not there.
    Object.entries(task.definition).filter(([name, value]) => !NOT_RENDERED.has(name) && value !== null),
  );

/** A copy of a map without some of its names. */
export const withoutNames = (map: PlainObject, names: readonly string[]): PlainObject =>
  Object.fromEntries(Object.entries(map).filter(([name]) => !names.includes(name)));

const undecided = new WeakMap<TaskDefinition, TaskDefinition>();

/** The task as a job carries it once its `runIf` is decided. */
export function withoutRunIf(task: TaskDefinition): TaskDefinition {
  if (task.runIf === undefined) return task;
  let stripped = undecided.get(task);
  if (!stripped) {
    const { runIf: _decided, ...rest } = task;
    undecided.set(task, (stripped = rest as TaskDefinition));
  }
  return stripped;
}
