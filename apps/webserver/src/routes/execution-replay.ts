import { presentExecution } from '@millrace/repository';
import { breakpointsOf } from '../executions/breakpoints.js';
import { execution, operated } from '../executions/operations.js';
import { flowFor, replayExecution, restartWithRevision } from '../executions/replay.js';
import { json, type Answer } from '../http/answer.js';
import { permission, type Call, type Route } from '../http/route.js';
import type { RouteServices } from './services.js';

const REVISION_MAX = 2 ** 31 - 1;

/** Routes that run an execution again: itself, or another one made from it. */
export function executionReplayRoutes(services: RouteServices): readonly Route[] {
  return [
    {
      method: 'POST',
      area: 'tenant',
      path: '/executions/:executionId/restart',
      parameters: ['revision'],
      access: permission('EXECUTION', 'RESTART', 'entity'),
      summary: 'Restart an execution where it failed; with another revision as a new one',
      handle: (call) => restart(services, call),
    },
    {
      method: 'POST',
      area: 'tenant',
      path: '/executions/:executionId/replay',
      parameters: ['taskRunId', 'revision', 'breakpoints'],
      access: permission('EXECUTION', 'REPLAY', 'entity'),
      summary: 'Start a new execution with the inputs of this one, from its beginning or from a task run',
      handle: (call) => replay(services, call, false),
    },
    {
      method: 'POST',
      area: 'tenant',
      path: '/executions/:executionId/replay-with-inputs',
      body: { type: 'multipart/form-data' },
      parameters: ['taskRunId', 'revision', 'breakpoints'],
      access: permission('EXECUTION', 'REPLAY', 'entity'),
      summary: 'As replay, with other inputs: form parts',
      handle: (call) => replay(services, call, true),
    },
  ];
}

async function restart(services: RouteServices, call: Call): Promise<Answer> {
  const revision = call.query.integer('revision', { min: 1, max: REVISION_MAX });
  if (revision === undefined) return json(presentExecution(await operated(services, call, { kind: 'restart' })));
  const { head } = await execution(services, call.scope, call.parameter('executionId'));
  return json(presentExecution(await restartWithRevision(services, call, head, revision)));
}

async function replay(services: RouteServices, call: Call, withInputs: boolean): Promise<Answer> {
  const { query, scope } = call;
  const revision = query.integer('revision', { min: 1, max: REVISION_MAX });
  const taskRunId = query.text('taskRunId');
  const { head } = await execution(services, scope, call.parameter('executionId'));
  const flow = await flowFor(services, call, head, revision);
  const breakpoints = breakpointsOf(query, flow, services.taskTypes.catalog);
  const made = await replayExecution(services, call, head, {
    withInputs,
    ...(taskRunId === undefined || taskRunId === '' ? {} : { taskRunId }),
    ...(revision === undefined ? {} : { revision }),
    ...(breakpoints && { breakpoints }),
  });
  return json(presentExecution(made));
}
