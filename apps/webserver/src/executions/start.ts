import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Environment } from '@millrace/expression';
import { resolveInputs } from '@millrace/flow';
import type { Scope } from '@millrace/authorization';
import {
  keyOf,
  newId,
  outgoing,
  placedId,
  requestedHead,
  type Breakpoint,
  type Clock,
  type ExecutionCreated,
  type ExecutionHead,
  type ExecutionRequested,
  type ExecutionTrigger,
  type Flow,
  type Label,
  type PlainObject,
  type TaskTypeCatalog,
  type Topics,
} from '@millrace/model';
import type { Queue } from '@millrace/queue';
import type { ExecutionRecords } from '@millrace/repository';
import { executionFolderUri, type Storage } from '@millrace/storage';
import { flowFault } from '../flows/invalid-flow.js';
import { HttpError, unprocessable } from '../http/errors.js';
import { publishSent } from '../http/publish.js';
import { checksOf, failureAtStart, variablesBeforeStart } from './checks.js';
import { givenInputs } from './given-inputs.js';
import { executionLabels } from './labels.js';

export interface StartOptions {
  readonly queue: Queue;
  readonly topics: Topics;
  readonly storage: Storage;
  readonly clock: Clock;
  /** The task types of the installation. */
  readonly catalog: TaskTypeCatalog;
  /** IANA name of the zone in which defaults of inputs read and print dates. */
  readonly timeZone: string;
  /** Base64; SECRET inputs are stored encrypted with it. Absent: they are refused. */
  readonly encryptionKey?: string;
  /** Results of expressions are rendered again until nothing changes. */
  readonly recursiveRendering?: boolean;
}

/** What a caller asks for besides the inputs in the body. */
export interface StartRequest {
  readonly request: IncomingMessage;
  readonly scope: Scope;
  readonly flow: Flow;
  /** `key:value`. */
  readonly labels: readonly string[];
  readonly kind?: 'TEST' | 'PLAYGROUND';
  /** Values of inputs, when they do not come in the body of the request. */
  readonly given?: PlainObject;
  /** What starts it, if it is not the caller. */
  readonly trigger?: ExecutionTrigger;
  /** Labels of the system besides the usual ones. */
  readonly systemLabels?: readonly Label[];
  /** Milliseconds since the epoch; it waits until then. */
  readonly scheduleDate?: number;
  readonly breakpoints?: readonly Breakpoint[];
  /** Called with the id before anything is published, so that nothing of the execution is missed. */
  readonly beforePublish?: (executionId: string) => void;
}

/** The id of an execution that is about to be made, with the placement that new ones get. */
export const newExecutionId = ({ clock, topics }: Pick<StartOptions, 'clock' | 'topics'>): string =>
  placedId(newId(clock.now(), randomBytes(16)), topics.executions.cluster.current);

/** What inputs, their conditions and checks are rendered with. @param place id of the execution */
export const inputEnvironment = (
  {
    timeZone,
    encryptionKey,
    recursiveRendering,
  }: Pick<StartOptions, 'timeZone' | 'encryptionKey' | 'recursiveRendering'>,
  now: number,
  place: string,
): Environment => ({
  now,
  random: Math.random,
  timeZone,
  ...(encryptionKey !== undefined && { encryption: { key: encryptionKey, place } }),
  ...(recursiveRendering === true && { recursive: true }),
});

/**
 * Starts an execution; durable when it resolves. Answers the execution as it was requested: CREATED.
 * @throws HttpError 409 for a disabled flow, 413, 415, 422 with all faults of the inputs
 */
export async function startExecution(options: StartOptions, start: StartRequest): Promise<ExecutionRecords> {
  const { queue, topics, storage, clock } = options;
  const { request, scope, flow } = start;
  if (flow.deleted || flow.definition.disabled === true) {
    throw new HttpError(
      409,
      `The flow '${flow.namespace}.${flow.id}' is ${flow.deleted ? 'deleted' : 'disabled'} and cannot be executed`,
    );
  }
  const fault = flowFault(flow, options.catalog);
  if (fault !== undefined) throw new HttpError(409, `The flow is not valid: ${fault}`);
  const now = clock.now();
  const executionId = newExecutionId(options);
  const labels = [...executionLabels(flow, start.labels, executionId), ...(start.systemLabels ?? [])];
  const declared = flow.definition.inputs ?? [];
  const given = start.given ?? (await givenInputs({ request, flow, inputs: declared, executionId, scope, storage }));
  try {
    const environment = inputEnvironment(options, now, executionId);
    const seen = variablesBeforeStart(flow, executionId);
    const inputs = resolvedInputs(flow, given, environment, seen);
    const failedAtStart = failureAtStart(checksOf(flow, inputs.readable ?? inputs.values, seen, environment));
    const created: ExecutionCreated = {
      kind: 'created',
      tenant: flow.tenant,
      executionId,
      namespace: flow.namespace,
      flowId: flow.id,
      flowRevision: flow.revision,
      inputs: inputs.values,
      originalId: executionId,
      ...(start.kind && { executionKind: start.kind }),
      ...(start.trigger && { trigger: start.trigger }),
      ...(start.scheduleDate !== undefined && { scheduleDate: start.scheduleDate }),
      ...(start.breakpoints && { breakpoints: start.breakpoints }),
    };
    const value: ExecutionRequested = {
      kind: 'execution-requested',
      created,
      variables: flow.definition.variables ?? {},
      labels,
      ...(failedAtStart !== undefined && { failedAtStart }),
      at: now,
    };
    start.beforePublish?.(executionId);
    await publishSent(
      queue,
      outgoing({ topic: topics.executionEvents, key: keyOf(flow.tenant, executionId), value }),
      TOO_LARGE,
    );
    return requestedExecution(value);
  } catch (error) {
    // Files that came with a refused request would belong to no execution. Anything else may have been published.
    const folder = executionFolderUri({ namespace: flow.namespace, flowId: flow.id, executionId });
    const hasFiles = Object.values(given).some((value) => typeof value === 'string' && value.startsWith(folder));
    if (error instanceof HttpError && hasFiles) await storage.remove(scope, folder);
    throw error;
  }
}

/** How a request that the queue cannot store is refused. */
export const TOO_LARGE = { what: 'The execution with its inputs', advice: 'give large inputs as files' } as const;

/** The values of all inputs of a flow. @throws HttpError 422 with all faults */
export function resolvedInputs(
  flow: Flow,
  given: PlainObject,
  environment: Environment,
  seen: PlainObject,
): { readonly values: PlainObject; readonly readable?: PlainObject } {
  if (!flow.definition.inputs || flow.definition.inputs.length === 0) return { values: {} };
  const result = resolveInputs(flow.definition, given, environment, seen);
  if ('values' in result) return result;
  throw unprocessable(
    `The inputs are not valid: ${result.faults.map(({ message }) => message).join(' ')}`,
    result.faults.map(({ input, message }) => ({ message, path: input })),
  );
}

/** An execution as its caller sees it before its owner has seen it. */
export const requestedExecution = ({
  created,
  variables,
  labels,
  failedAtStart,
  at,
}: ExecutionRequested): ExecutionRecords => ({
  head: headOf(requestedHead(created, labels, at), failedAtStart, at),
  created,
  variables: { kind: 'variables', variables },
  taskRuns: [],
});

const headOf = (head: ExecutionHead, failure: string | undefined, at: number): ExecutionHead =>
  failure === undefined
    ? head
    : { ...head, state: 'FAILED', failure, histories: [...head.histories, { state: 'FAILED', date: at }] };
