import { examineInputs, taskTree } from '@millrace/flow';
import type { Flow, Input, PlainObject } from '@millrace/model';
import { presentExecution, type ExecutionRecords } from '@millrace/repository';
import type { Storage } from '@millrace/storage';
import { givenInputs } from '../executions/given-inputs.js';
import { execution, operate } from '../executions/operations.js';
import { inputEnvironment } from '../executions/start.js';
import { json, type Answer } from '../http/answer.js';
import { HttpError } from '../http/errors.js';
import { permission, type Call, type Route } from '../http/route.js';
import type { RouteServices } from './services.js';

/** Routes that let a paused execution go on. */
export function executionResumeRoutes(services: RouteServices): readonly Route[] {
  return [
    {
      method: 'POST',
      area: 'tenant',
      path: '/executions/:executionId/resume',
      body: { type: 'multipart/form-data' },
      access: permission('EXECUTION', 'RESUME', 'entity'),
      summary: "Resume a paused execution; form parts are the inputs that the paused task's 'onResume' declares",
      handle: (call) => resume(services, call),
    },
    {
      method: 'POST',
      area: 'tenant',
      path: '/executions/:executionId/resume/validate',
      body: { type: 'multipart/form-data' },
      access: permission('EXECUTION', 'RESUME', 'entity'),
      summary: 'Check the inputs of a resume without doing it',
      handle: (call) => validate(services, call),
    },
  ];
}

/** An execution that is paused, and what may be given when it is resumed. */
interface Paused {
  readonly records: ExecutionRecords;
  readonly flow: Pick<Flow, 'namespace' | 'id' | 'revision' | 'tenant'>;
  readonly inputs: readonly Input[];
}

async function resume(services: RouteServices, call: Call): Promise<Answer> {
  const paused = await pausedExecution(services, call);
  const given = await givenToResume(services.storage, call, paused);
  await operate(services, call, paused.records.head, { kind: 'resume', given });
  return json(presentExecution(await execution(services, call.scope, paused.records.head.executionId)));
}

async function validate(services: RouteServices, call: Call): Promise<Answer> {
  const paused = await pausedExecution(services, call);
  const given = await givenToResume(undefined, call, paused);
  const { starting } = services;
  const environment = inputEnvironment(starting, starting.clock.now(), paused.records.head.executionId);
  const { inputs } = examineInputs({ inputs: [...paused.inputs] }, given, environment);
  return json({
    id: paused.flow.id,
    namespace: paused.flow.namespace,
    inputs: inputs.map(({ errors, ...rest }) => ({ ...rest, errors: errors.map((message) => ({ message })) })),
    checks: [],
  });
}

/** @throws HttpError 404, 409 when it is not paused */
async function pausedExecution(services: RouteServices, call: Call): Promise<Paused> {
  const records = await execution(services, call.scope, call.parameter('executionId'));
  const { head, taskRuns } = records;
  if (head.state !== 'PAUSED' && head.suspended === undefined) {
    throw new HttpError(409, `The execution is ${head.state}: only one that is paused can be resumed`);
  }
  const { namespace, flowId, flowRevision: revision, tenant } = head;
  const run = taskRuns.find(({ state }) => state === 'PAUSED');
  const flow = services.running().flows.revision(call.scope, namespace, flowId, revision);
  return {
    records,
    flow: { namespace, id: flowId, revision, tenant },
    inputs: run && flow ? onResumeOf(services, flow, run.taskId) : [],
  };
}

function onResumeOf(services: RouteServices, flow: Flow, taskId: string): readonly Input[] {
  const node = taskTree(flow.definition, services.taskTypes.catalog).find(({ task }) => task.id === taskId);
  const declared = node?.task['onResume'];
  // It was checked when the flow was saved.
  return Array.isArray(declared) ? (declared as readonly Input[]) : [];
}

/** What the request gives; files are kept when there is a `storage`. What is not declared is left out, and the log says so. */
async function givenToResume(
  storage: Storage | undefined,
  { request, scope }: Call,
  { records, flow, inputs }: Paused,
): Promise<PlainObject> {
  const { executionId } = records.head;
  return givenInputs({ request, flow, inputs, executionId, scope, ...(storage && { storage }) });
}
