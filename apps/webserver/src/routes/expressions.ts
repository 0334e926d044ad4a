import { evaluateExpression, planFlow } from '@millrace/executor-core';
import { ExpressionError } from '@millrace/expression';
import { json, type Answer } from '../http/answer.js';
import { readText } from '../http/body.js';
import { notFound } from '../http/errors.js';
import { permission, type Call, type Route } from '../http/route.js';
import type { RouteServices } from './services.js';

/** Bytes of an expression that is tried. */
const EXPRESSION_BYTES_MAX = 64 * 1024;

/** Trying an expression with the variables of a task run. */
export function expressionRoutes(services: RouteServices): readonly Route[] {
  return [
    {
      method: 'POST',
      area: 'tenant',
      path: '/executions/:executionId/eval/:taskRunId',
      body: { type: 'text/plain' },
      access: permission('EXECUTION', 'VIEW', 'entity'),
      summary: 'Evaluate an expression for a task run; functions that need a worker answer with an error',
      handle: (call) => evaluate(services, call),
    },
  ];
}

async function evaluate(services: RouteServices, call: Call): Promise<Answer> {
  const { scope, request } = call;
  const taskRunId = call.parameter('taskRunId');
  const { executions, flows } = services.running();
  const execution = await executions.get(scope, call.parameter('executionId'));
  const expression = await readText(request, ['text/plain'], EXPRESSION_BYTES_MAX);
  const { namespace, flowId, flowRevision } = execution.head;
  const flow = flows.revision(scope, namespace, flowId, flowRevision);
  if (!flow) throw notFound(`There is no revision ${flowRevision} of the flow '${namespace}.${flowId}' any more`);
  const { starting, taskTypes, configuration, serverVariables } = services;
  const plan = planFlow(flow, taskTypes.catalog, { globalDefaults: configuration.pluginDefaults ?? [] });
  const { head, created, variables, taskRuns } = execution;
  const records = [head, created, variables].filter((record) => record !== undefined);
  const context = { now: starting.clock.now(), timeZone: starting.timeZone, serverVariables };
  try {
    const result = evaluateExpression({ records, taskRuns, flow: plan, taskRunId }, expression, context);
    if (result === undefined) throw notFound(`There is no task run '${taskRunId}' in this execution`);
    return json({ result });
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    // A stack would show the server's inside; the place in the expression is what helps.
    return json({
      error: error.message,
      stackTrace: `${error.reason}\n  at line ${error.line}, column ${error.column}`,
    });
  }
}
