import { LEVEL_RANK, LOG_LEVELS, logPurge } from '@millrace/model';
import { permission, type Call, type Route } from '../http/route.js';
import type { Answer } from '../http/answer.js';
import type { RouteServices } from './services.js';

/** Routes that delete log entries; gone from every server's copy when they are answered, or soon after when they are many. */
export function logDeletionRoutes(services: RouteServices): readonly Route[] {
  return [
    {
      method: 'DELETE',
      area: 'tenant',
      path: '/logs/:executionId',
      parameters: ['minLevel', 'taskRunId', 'taskId', 'attempt'],
      access: permission('EXECUTION', 'DELETE_LOGS', 'entity'),
      summary: 'Delete the log of an execution, or a part of it',
      handle: (call) => deleteOfExecution(services, call),
    },
    {
      method: 'DELETE',
      area: 'tenant',
      path: '/logs/:namespace/:flowId',
      parameters: ['triggerId'],
      access: permission('EXECUTION', 'DELETE_LOGS', 'path'),
      summary: 'Delete the log of a trigger',
      async handle({ tenant, query, parameter }) {
        const { queue, topics } = services.starting;
        const [namespace, flowId] = [parameter('namespace'), parameter('flowId')];
        const triggerId = query.required('triggerId');
        await queue.publish([logPurge(topics, { tenant, namespace, flowId, triggerId })]);
        return { status: 200 };
      },
    },
  ];
}

async function deleteOfExecution(services: RouteServices, { scope, query, parameter }: Call): Promise<Answer> {
  const { queue, topics } = services.starting;
  const { head } = await services.running().executions.get(scope, parameter('executionId'));
  const minLevel = query.choice('minLevel', LOG_LEVELS);
  const [taskRunId, taskId] = [query.text('taskRunId'), query.text('taskId')];
  const attempt = query.integer('attempt', { min: 0, max: 1_000_000 });
  await queue.publish([
    logPurge(topics, {
      tenant: head.tenant,
      executionId: head.executionId,
      ...(minLevel === undefined
        ? {}
        : { levels: LOG_LEVELS.filter((level) => LEVEL_RANK[level] >= LEVEL_RANK[minLevel]) }),
      ...(taskRunId === undefined ? {} : { taskRunId }),
      ...(taskId === undefined ? {} : { taskId }),
      ...(attempt === undefined ? {} : { attempt }),
    }),
  ]);
  return { status: 200 };
}
