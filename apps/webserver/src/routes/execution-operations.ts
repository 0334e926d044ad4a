import { keyOf, outgoing, STATES, type ExecutionHead, type Label, type State } from '@millrace/model';
import { labelKeyFault } from '@millrace/flow';
import { presentExecution } from '@millrace/repository';
import { removeExecutionData } from '@millrace/resources';
import { by, CHECKS, execution, operate, operated } from '../executions/operations.js';
import { requiredState } from '../executions/state-parameter.js';
import { json, NO_CONTENT, type Answer } from '../http/answer.js';
import { jsonBody } from '../http/body.js';
import { HttpError } from '../http/errors.js';
import { permission, type Call, type Route } from '../http/route.js';
import type { RouteServices } from './services.js';

const LABELS_MAX = 100;

/** Labels as JSON: a list of keys and values. */
export const LABELS_SCHEMA = {
  type: 'array',
  maxItems: LABELS_MAX,
  items: {
    type: 'object',
    required: ['key', 'value'],
    additionalProperties: false,
    properties: { key: { type: 'string' }, value: { type: 'string', maxLength: 1_000 } },
  },
} as const;

const LABELS = jsonBody<Label[]>(LABELS_SCHEMA);

const STATE_REQUEST = jsonBody<{ taskRunId: string; state: State }>({
  type: 'object',
  required: ['taskRunId', 'state'],
  additionalProperties: false,
  properties: { taskRunId: { type: 'string', maxLength: 64 }, state: { type: 'string', enum: [...STATES] } },
});

/** Query parameters of a deletion: what goes with the execution. */
export const DELETIONS = ['deleteLogs', 'deleteMetrics', 'deleteStorage'];

/** What may be done with one execution, except making another one from it. */
export function executionOperationRoutes(services: RouteServices): readonly Route[] {
  return [...endingRoutes(services), ...changingRoutes(services), ...waitingRoutes(services)];
}

function endingRoutes(services: RouteServices): readonly Route[] {
  return [
    {
      method: 'DELETE',
      area: 'tenant',
      path: '/executions/:executionId/kill',
      parameters: ['isOnKillCascade'],
      access: permission('EXECUTION', 'KILL', 'entity'),
      summary: 'Kill an execution',
      async handle(call) {
        const { head } = await execution(services, call.scope, call.parameter('executionId'));
        const refusal = CHECKS.kill(head);
        if (refusal !== undefined) throw new HttpError(409, refusal);
        await kill(services, call, head);
        return { status: 202 };
      },
    },
    {
      method: 'DELETE',
      area: 'tenant',
      path: '/executions/:executionId',
      parameters: DELETIONS,
      access: permission('EXECUTION', 'DELETE', 'entity'),
      summary: 'Delete an execution with its logs, metrics and files',
      async handle(call) {
        const { head } = await execution(services, call.scope, call.parameter('executionId'));
        await remove(services, call, head);
        return NO_CONTENT;
      },
    },
  ];
}

function changingRoutes(services: RouteServices): readonly Route[] {
  return [
    {
      method: 'POST',
      area: 'tenant',
      path: '/executions/:executionId/state',
      body: STATE_REQUEST,
      access: permission('EXECUTION', 'UPDATE', 'entity'),
      summary: 'Change the state of a task run; the execution goes on after it',
      async handle(call) {
        const { taskRunId, state } = await STATE_REQUEST.read(call.request);
        return shown(operated(services, call, { kind: 'change-task-run-state', taskRunId, state }));
      },
    },
    {
      method: 'POST',
      area: 'tenant',
      path: '/executions/:executionId/change-status',
      parameters: ['status'],
      access: permission('EXECUTION', 'UPDATE', 'entity'),
      summary: 'Change the state of an execution that has ended',
      handle: (call) =>
        shown(operated(services, call, { kind: 'change-status', state: requiredState(call.query, 'status') })),
    },
    {
      method: 'POST',
      area: 'tenant',
      path: '/executions/:executionId/labels',
      body: LABELS,
      access: permission('EXECUTION', 'CHANGE_LABELS', 'entity'),
      summary: 'Replace the labels of an execution that has ended',
      async handle(call) {
        const labels = checkedLabels(await LABELS.read(call.request));
        const { head } = await execution(services, call.scope, call.parameter('executionId'));
        const refusal = CHECKS['set-labels'](head);
        if (refusal !== undefined) throw new HttpError(400, refusal);
        return shown(operated(services, call, { kind: 'set-labels', labels }));
      },
    },
  ];
}

function waitingRoutes(services: RouteServices): readonly Route[] {
  return [
    {
      method: 'POST',
      area: 'tenant',
      path: '/executions/:executionId/pause',
      access: permission('EXECUTION', 'PAUSE', 'entity'),
      summary: 'Pause a running execution: what runs goes on, nothing new starts',
      handle: (call) => shown(operated(services, call, { kind: 'pause' })),
    },
    {
      method: 'POST',
      area: 'tenant',
      path: '/executions/:executionId/force-run',
      access: permission('EXECUTION', 'FORCE_RUN', 'entity'),
      summary: 'Run an execution that waits',
      handle: (call) => shown(operated(services, call, { kind: 'force-run' })),
    },
    {
      method: 'POST',
      area: 'tenant',
      path: '/executions/:executionId/unqueue',
      parameters: ['state'],
      access: permission('EXECUTION', 'UNQUEUE', 'entity'),
      summary: 'Take an execution out of the queue of its flow',
      handle: (call) =>
        shown(operated(services, call, { kind: 'unqueue', state: call.query.choice('state', STATES) ?? 'RUNNING' })),
    },
  ];
}

const shown = async (records: ReturnType<typeof operated>): Promise<Answer> => json(presentExecution(await records));

/** @throws HttpError 400 for a key that nobody may set; a key that is given twice is refused too */
export function checkedLabels(labels: readonly Label[]): readonly Label[] {
  const faults = labels.flatMap(({ key }, index) => {
    const isTwice = labels.findIndex((label) => label.key === key) !== index;
    const message = isTwice ? `The label '${key.slice(0, 80)}' is given twice: give it once.` : faultOf(key);
    return message === undefined ? [] : [{ message, path: `[${index}].key` }];
  });
  if (faults.length > 0) throw new HttpError(400, faults.map(({ message }) => message).join(' '), { faults });
  return labels;
}

/** Like those of flows, but none of the system's. */
const faultOf = (key: string): string | undefined =>
  key.startsWith('system.')
    ? `The label '${key.slice(0, 80)}' is set by the system: choose a key that does not begin with 'system.'.`
    : labelKeyFault(key);

/** Asks for the end of an execution, and of those that it started unless the request says otherwise. */
export async function kill(services: RouteServices, call: Call, head: ExecutionHead): Promise<void> {
  const { queue, topics } = services.starting;
  const { tenant, executionId } = head;
  const cascade = call.query.flag('isOnKillCascade', true);
  await queue.publish([
    outgoing({
      topic: topics.executionEvents,
      key: keyOf(tenant, executionId),
      value: { kind: 'kill-requested', tenant, executionId, cascade, ...by(call) },
    }),
  ]);
}

/** Deletes an execution, and what it left behind unless the request says otherwise. */
export async function remove(services: RouteServices, call: Call, head: ExecutionHead): Promise<void> {
  const [logs = true, metrics = true, storage = true] = DELETIONS.map((name) => call.query.flag(name, true));
  await operate(services, call, head, { kind: 'delete' });
  await removeExecutionData(services.starting, call.scope, head, { logs, metrics, storage });
}
